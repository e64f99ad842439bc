/** The entry for vitest.config.ts: `import { assay } from 'vitest-assay'`. */
export { assay } from './vitest/plugin.ts';
export type { AssayOptions } from './vitest/plugin.ts';
export type { ClaimMeta } from './vitest/claims/provided.ts';
