import { benchmarkTag, tierTag } from '../config/tags.ts';
import { AssayError } from '../core/errors.ts';
import type { Tag } from '../config/tags.ts';
import type { PlannedCell } from '../session/plan.ts';
import type { Claim } from './claim.ts';
import type { Suite } from './suite.ts';
import type { TagFilter } from './tag-filter.ts';
import { passesName } from './words.ts';
import type { NameFilter } from './words.ts';

/** One claim about one cell. */
export interface PlannedClaim {
  readonly file: string;
  readonly name: string;
  /** What the claim is called in reports: name and bracket. */
  readonly title: string;
  readonly planned: PlannedCell;
  /** The benchmark it judges; null for a claim of another kind. */
  readonly benchmark: string | null;
  readonly tags: readonly Tag[];
}

/**
 * Every claim that the suites make about the cells, cell by cell.
 *
 * @throws AssayError CLAIMS_INVALID for a benchmark that no claim judges: its
 *   threshold could be missed without a test that says so.
 */
export function planClaims(suites: readonly Suite[], cells: readonly PlannedCell[]): readonly PlannedClaim[] {
  refuseUnclaimed(suites, cells);
  return cells.flatMap((planned) =>
    suites.flatMap((suite) =>
      Object.entries(suite.claims)
        .filter(([, claim]) => suite.appliesTo(claim, planned.cell))
        .map(([name, claim]) => ({
          file: suite.file,
          name,
          title: `${name}${planned.cell.bracket}`,
          planned,
          benchmark: claim.benchmark ?? null,
          tags: tagsOfClaim(planned, suite.tier, claim),
        })),
    ),
  );
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

function tagsOfClaim({ cell, binding }: PlannedCell, tier: number, claim: Claim): readonly Tag[] {
  const tags = [...cell.tags, tierTag(tier)];
  if (claim.benchmark !== undefined) tags.push(benchmarkTag(claim.benchmark));
  if (binding.state === 'unbound') {
    tags.push({ name: `skipped_${binding.reason}`, description: 'cells that no node of the pool fits' });
  }
  return tags;
}

/** The claims that both filters let through. */
export function selectClaims(
  claims: readonly PlannedClaim[],
  { byName, byTags }: { readonly byName: NameFilter; readonly byTags: TagFilter },
): readonly PlannedClaim[] {
  return claims.filter(({ title, tags }) => {
    const names = tags.map((tag) => tag.name);
    return passesName(byName, title, names) && byTags(new Set(names));
  });
}
