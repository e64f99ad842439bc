/** The entry for suites: `import { claims } from 'vitest-assay/claims'`. */
export { claims } from './vitest/claims/claims.ts';
export type { Claim, ClaimContext, Claims } from './vitest/claims/claim.ts';
export type { ClaimCell } from './vitest/claims/claim-cell.ts';
export type { ClaimMeta } from './vitest/claims/provided.ts';
export type { Run } from './vitest/claims/run.ts';
export type { RecordedEvent } from './evidence/events.ts';
export type { Manifest } from './evidence/manifest.ts';
export type { SampleColumns, Series } from './evidence/tables/tables.ts';
export type { Verdict } from './evidence/verdict.ts';
