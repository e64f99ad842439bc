import type { Cell } from '../config/cell.ts';
import { benchmarkTag, tierTag } from '../config/tags.ts';
import { AssayError } from '../core/errors.ts';
import type { PlannedCell } from '../session/plan.ts';
import { tagNamesOf, titleOf } from '../session/planned-claim.ts';
import type { PlannedClaim, SuiteClaim } from '../session/planned-claim.ts';
import type { Suite } from './suite.ts';
import type { TagFilter } from './tag-filter.ts';
import { passesName } from './words.ts';
import type { NameFilter } from './words.ts';

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
    const tags = [tierTag(tier), ...(benchmark === null ? [] : [benchmarkTag(benchmark)])];
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
export function selectClaims(
  claims: readonly PlannedClaim[],
  { byName, byTags }: { readonly byName: NameFilter; readonly byTags: TagFilter | null },
): readonly PlannedClaim[] {
  if (byName.kind === 'all' && byTags === null) return claims;
  return claims.filter((claim) => {
    const names = tagNamesOf(claim);
    return passesName(byName, titleOf(claim), names) && (byTags === null || byTags(new Set(names)));
  });
}
