import { join, relative } from 'node:path';
import type { Scalar } from '../config/schema/framework.ts';
import type { RoleHosts } from '../config/identity.ts';
import { groupBy } from '../core/group-by.ts';
import type { Sha256 } from '../core/hash.ts';
import { pastDurationS } from './past-duration.ts';
import type { PlannedSession } from './plan-api.ts';
import type { PlannedCell } from './plan.ts';
import { tagsOfCell } from './planned-claim.ts';
import type { PlannedClaim, SuiteClaim } from './planned-claim.ts';
import { foldersIn } from './stored/cell-runs.ts';
import { cachedRun } from './stored/reuse.ts';
import { wallTimeS } from './wall-time.ts';

/** One cell as `assay plan --json` prints it. */
export interface ReportedCell {
  readonly id: string;
  readonly test_id: string;
  /** The config file as the user named it. */
  readonly config: string;
  readonly framework: string;
  readonly model: string;
  readonly target_gpu: string;
  readonly tags: readonly string[];
  readonly axes: Readonly<Record<string, Scalar>>;
  /** Empty when the cell is on no node. */
  readonly bindings: RoleHosts;
  readonly status: 'runnable' | 'skipped';
  /** Why it is skipped. */
  readonly reason: string | null;
  /** The selected claims; a file is relative to the root of its project. */
  readonly claims: readonly { readonly name: string; readonly tier: number; readonly file: string }[];
  /** Seconds that earlier runs of the same workload took; null when there are none. */
  readonly estimate_s: number | null;
  /** The id of the stored run that `--reuse prefer` would take instead of a launch; null when there is none. */
  readonly cached: string | null;
  /** Null while the digest of the container's image is not known. */
  readonly workload_hash: Sha256 | null;
  readonly verification_hash: Sha256;
  readonly experiment_id: string;
  /** What the names of its claims end in. */
  readonly bracket: string;
}

/** What a plan comes to. */
export interface PlanTotals {
  readonly cells: number;
  readonly runnable: number;
  readonly skipped: number;
  /** Runnable cells with a stored run that `--reuse prefer` would take. */
  readonly cached: number;
  readonly claims: number;
  /** How many nodes the runnable cells use. */
  readonly nodes: number;
  /** Wall time of all runnable cells that have an estimate; null when none has. */
  readonly estimate_s: number | null;
  /** Runnable cells without an estimate. */
  readonly unknown: number;
}

/** What a run would do, as plain data: the document of `assay plan --json`. */
export interface PlanReport {
  readonly cells: readonly ReportedCell[];
  readonly totals: PlanTotals;
}

/** Which cells a report is about. */
interface ReportScope {
  /** Leaves out cells without a selected claim: what was asked for is a part of the plan. */
  readonly onlySelected: boolean;
}

/** Reports what sessions would do; projects that share a plan share its cells. */
export function reportPlan(sessions: readonly PlannedSession[], { onlySelected }: ReportScope): PlanReport {
  const entries = [...groupBy(sessions, ({ plan }) => plan).values()].flatMap(entriesOf);
  const reported = onlySelected ? entries.filter(({ cell }) => cell.claims.length > 0) : entries;
  return { cells: reported.map(({ cell }) => cell), totals: totalsOf(reported) };
}

/** A cell in both forms: totals need what the report does not say. */
interface Entry {
  readonly planned: PlannedCell;
  readonly cell: ReportedCell;
}

function entriesOf(sessions: readonly PlannedSession[]): readonly Entry[] {
  const [first] = sessions;
  if (first === undefined) return [];
  const { plan, options } = first;
  const claims = sessions.length === 1 ? first.claims : new Set(sessions.flatMap((session) => session.claims));
  const claimsOf = groupBy(claims, ({ planned }) => planned);
  const toReported = claimReporter(options.root);
  // Of ten thousand cells the most may belong to configs that never ran here.
  const ran = new Set(foldersIn(plan.artifacts));
  return plan.cells.map((planned) => {
    const mayHaveRun = canRepeat(planned) && ran.has(join(plan.artifacts, planned.cell.workload.test_id));
    return {
      planned,
      cell: {
        ...describeCell(planned),
        claims: (claimsOf.get(planned) ?? []).map(toReported),
        estimate_s: mayHaveRun ? pastDurationS(planned, plan.artifacts) : null,
        cached: mayHaveRun ? cachedRun(planned, plan.artifacts) : null,
      },
    };
  });
}

function canRepeat({ skip, identity }: PlannedCell): boolean {
  return skip === null && !identity.isPending;
}

/** Reports each claim of a suite once, for all the cells that it is made about. */
function claimReporter(root: string): (claim: PlannedClaim) => ReportedCell['claims'][number] {
  const known = new Map<SuiteClaim, ReportedCell['claims'][number]>();
  return ({ claim }) => {
    const { name, tier, file } = claim;
    const reported = known.get(claim) ?? { name, tier, file: relative(root, file) };
    known.set(claim, reported);
    return reported;
  };
}

function describeCell(planned: PlannedCell): Omit<ReportedCell, 'claims' | 'estimate_s' | 'cached'> {
  const { cell, binding, skip, identity } = planned;
  const { workload } = cell;
  return {
    id: cell.cellId,
    test_id: workload.test_id,
    config: cell.configFile,
    framework: workload.framework,
    model: workload.model.id,
    target_gpu: workload.target_gpu,
    tags: tagsOfCell(planned).map(({ name }) => name),
    axes: cell.axes,
    bindings: binding.state === 'bound' ? binding.hosts : {},
    status: skip === null ? 'runnable' : 'skipped',
    reason: skip?.detail ?? null,
    workload_hash: identity.isPending ? null : identity.workloadHash,
    verification_hash: identity.verificationHash,
    experiment_id: identity.experimentId,
    bracket: cell.bracket,
  };
}

function totalsOf(entries: readonly Entry[]): PlanTotals {
  const runnable = entries.filter(({ cell }) => cell.status === 'runnable');
  const timed = runnable.flatMap(({ planned, cell }) => {
    const { estimate_s: durationS } = cell;
    if (durationS === null) return [];
    return [{ nodes: nodesOf(cell), isExclusive: planned.cell.workload.exclusive, durationS }];
  });
  return {
    cells: entries.length,
    runnable: runnable.length,
    skipped: entries.length - runnable.length,
    cached: runnable.filter(({ cell }) => cell.cached !== null).length,
    claims: entries.reduce((sum, { cell }) => sum + cell.claims.length, 0),
    nodes: new Set(runnable.flatMap(({ cell }) => nodesOf(cell))).size,
    estimate_s: timed.length === 0 ? null : wallTimeS(timed),
    unknown: runnable.length - timed.length,
  };
}

function nodesOf({ bindings }: ReportedCell): readonly string[] {
  return [...new Set(Object.values(bindings).flat())];
}
