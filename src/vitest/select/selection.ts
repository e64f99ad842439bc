import type { Cell } from '../../config/cell.ts';
import { AssayError } from '../../core/errors.ts';
import type { PlannedCell } from '../../session/plan.ts';
import type { PlannedClaim, SuiteClaim } from '../../session/planned-claim.ts';
import { ConditionTable, conditionsOf } from './conditions.ts';
import type { Filters } from './filters.ts';
import { tagsOfClaim } from '../claims/suite.ts';
import type { Suite } from '../claims/suite.ts';

/**
 * Every claim that the suites make about the cells, cell by cell.
 *
 * @throws AssayError CLAIMS_INVALID for a benchmark that no claim judges: its
 *   threshold could be missed without a test that says so.
 */
export function planClaims(suites: readonly Suite[], cells: readonly PlannedCell[]): readonly PlannedClaim[] {
  refuseUnclaimed(suites, cells);
  const claims = suites.flatMap(declaredClaims);
  return cells.flatMap((planned) =>
    claims.filter(({ appliesTo }) => appliesTo(planned.cell)).map(({ claim }) => ({ claim, planned })),
  );
}

interface DeclaredClaim {
  readonly claim: SuiteClaim;
  readonly appliesTo: (cell: Cell) => boolean;
}

function declaredClaims({ file, tier, claims, appliesTo }: Suite): readonly DeclaredClaim[] {
  return Object.entries(claims).map(([name, claim]) => {
    const { benchmark = null } = claim;
    const tags = tagsOfClaim({ tier, file }, claim);
    return { claim: { file, tier, name, benchmark, tags }, appliesTo: (cell) => appliesTo(claim, cell) };
  });
}

function refuseUnclaimed(suites: readonly Suite[], cells: readonly PlannedCell[]): void {
  const claimed = new Set(suites.flatMap(({ claims }) => Object.values(claims).map(({ benchmark }) => benchmark)));
  const workloads = new Map(cells.map(({ cell }) => [cell.configFile, cell.workload]));
  const unclaimed = [...workloads].flatMap(([file, { benchmarks }]) =>
    benchmarks.filter((name) => !claimed.has(name)).map((name) => `${file}: no claim judges the benchmark ${name}`),
  );
  if (unclaimed.length === 0) return;
  throw new AssayError('CLAIMS_INVALID', unclaimed.join('\n'), {
    hint: "add a claim with `benchmark: '<name>'` to a suite under benchmarks/, and its folder to assay({ suites })",
  });
}

/** The claims that both filters let through. */
export function selectClaims(claims: readonly PlannedClaim[], filters: Filters): readonly PlannedClaim[] {
  const conditions = conditionsOf(filters);
  if (conditions.length === 0) return claims;
  const table = new ConditionTable(conditions);
  return claims.filter((claim) => table.allHold(claim));
}
