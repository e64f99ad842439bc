/** The entry for suites: `import { claims } from 'vitest-assay/claims'`. */
export { claims } from './vitest/claims.ts';
export type { Claim, ClaimContext, Claims } from './vitest/claim.ts';
export type { Run } from './vitest/run.ts';
export type { Manifest } from './evidence/manifest.ts';
export type { Verdict } from './evidence/verdict.ts';
