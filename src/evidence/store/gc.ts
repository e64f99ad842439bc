import type { StoredRun } from './run-store.ts';

/** Which runs may go. At least one of the first two must be there: a run goes when it is out by all that are. */
export interface GcRules {
  /** How many complete runs of one workload stay, the newest; null for no such rule. */
  readonly keepLast: number | null;
  /** Runs that ended at this time or later stay, milliseconds since the Unix epoch; null for no such rule. */
  readonly endedBeforeMs: number | null;
  readonly keepFailed: boolean;
  /** The runs that baselines refer to. */
  readonly referenced: { has(runId: string): boolean };
  readonly isLive: (runId: string) => boolean;
}

/** Why a run stays. */
type KeepReason = 'live' | 'in a baseline' | 'failed' | 'among the newest' | 'young';

/** What becomes of stored runs, each in the order it came. */
export interface GcPlan {
  readonly goes: readonly StoredRun[];
  readonly stays: readonly { readonly run: StoredRun; readonly reason: KeepReason }[];
}

/** Divides runs, oldest first, into those that go and those that stay. */
export function planGc(runs: readonly StoredRun[], rules: GcRules): GcPlan {
  const goes: StoredRun[] = [];
  const stays: GcPlan['stays'][number][] = [];
  const newest = rules.keepLast === null ? null : newestOf(runs, rules.keepLast);
  for (const run of runs) {
    const reason = reasonToKeep(run, rules, newest);
    if (reason === null) goes.push(run);
    else stays.push({ run, reason });
  }
  return { goes, stays };
}

function reasonToKeep(run: StoredRun, rules: GcRules, newest: ReadonlySet<StoredRun> | null): KeepReason | null {
  const runId = String(run.fact['run_id']);
  if (rules.isLive(runId)) return 'live';
  if (rules.referenced.has(runId)) return 'in a baseline';
  if (rules.keepFailed && isFailed(run)) return 'failed';
  if (newest?.has(run) === true) return 'among the newest';
  // A run of which nobody knows when it ended is not known to be old.
  const endedMs = Date.parse(String(run.fact['timestamp_end']));
  return rules.endedBeforeMs === null || endedMs < rules.endedBeforeMs ? null : 'young';
}

function newestOf(runs: readonly StoredRun[], count: number): ReadonlySet<StoredRun> {
  const left = new Map<string, number>();
  const newest = new Set<StoredRun>();
  for (const run of [...runs].reverse().filter(isComplete)) {
    const workload = JSON.stringify([run.fact['test_id'], run.fact['cell_id'], run.fact['workload_hash']]);
    const places = left.get(workload) ?? count;
    if (places > 0) newest.add(run);
    left.set(workload, places - 1);
  }
  return newest;
}

/** Whether the workload came to its end, whatever its thresholds say. */
function isComplete({ fact }: StoredRun): boolean {
  return ['passed', 'recorded', 'failed_verification'].includes(String(fact['status']));
}

function isFailed({ fact }: StoredRun): boolean {
  return String(fact['status']).startsWith('failed_') || fact['status'] === 'interrupted';
}
