import { join } from 'node:path';
import { shortHash } from '../core/hash.ts';
import type { Sha256 } from '../core/hash.ts';
import type { Status } from '../evidence/failure.ts';
import { manifestSchema } from '../evidence/manifest.ts';
import { RUN_FILES } from '../evidence/run-folder.ts';
import { estimatePercentile } from '../verdicts/statistics.ts';
import { newestFirst, readJsonOrNull } from './stored/cell-runs.ts';
import type { PlannedCell } from './plan.ts';

/** The newest runs tell enough, and a plan of ten thousand cells has to be quick. */
const RUNS_READ = 5;

/**
 * How long the newest runs of the same workload took, in seconds, as their median;
 * null when none has come through its load. Looks only into the folder of that workload.
 */
export function pastDurationS({ cell, identity }: PlannedCell, artifacts: string): number | null {
  const { workloadHash } = identity;
  const folder = join(artifacts, cell.workload.test_id, cell.cellId, shortHash(workloadHash));
  const durations: number[] = [];
  for (const run of newestFirst(folder)) {
    const durationS = durationOfRun(join(run, RUN_FILES.manifest), workloadHash);
    if (durationS !== null) durations.push(durationS);
    if (durations.length === RUNS_READ) break;
  }
  return durations.length === 0 ? null : estimatePercentile(Float64Array.from(durations), 50, 0.95).value;
}

const timedSchema = manifestSchema
  .pick({ workload_hash: true, status: true, imported: true, timestamp_start: true, timestamp_end: true })
  .strip();

/** Runs whose load came to its end: one that died in setup or hung says nothing of the next. */
const COMPLETE: readonly Status[] = ['passed', 'recorded', 'failed_verification'];

/**
 * Seconds that a run took; null for one that was not launched here, whose load did not come to its end, or that
 * cannot be read: here damaged evidence only means one estimate less.
 */
function durationOfRun(path: string, workloadHash: Sha256): number | null {
  const { data: run } = timedSchema.safeParse(readJsonOrNull(path));
  if (run === undefined || run.timestamp_end === null || run.workload_hash !== workloadHash) return null;
  if (!COMPLETE.includes(run.status) || run.imported !== null) return null;
  const durationS = (Date.parse(run.timestamp_end) - Date.parse(run.timestamp_start)) / 1000;
  return Number.isFinite(durationS) ? durationS : null;
}
