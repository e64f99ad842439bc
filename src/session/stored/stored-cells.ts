import { basename } from 'node:path';
import { AssayError } from '../../core/errors.ts';
import { loadEngine } from '../../evidence/duckdb.ts';
import type { Status } from '../../evidence/failure.ts';
import { findRuns } from '../../evidence/store/find-runs.ts';
import type { OnUnreadable } from '../../evidence/store/find-runs.ts';
import { readManifest } from '../../evidence/run-reader.ts';
import type { PlannedCell } from '../plan.ts';
import { isJudgeable, previewRejudge, rejudge } from './rejudge.ts';
import type { Rejudged } from './rejudge.ts';

/** What became of one stored run when its cell's thresholds of today were held against it. */
export type StoredOutcome =
  | JudgedOutcome
  /** It did not come through its load, or is still at it. */
  | { readonly state: 'not_judged'; readonly folder: string; readonly status: Status }
  | { readonly state: 'no_cell'; readonly folder: string; readonly key: string }
  | { readonly state: 'problem'; readonly folder: string; readonly error: AssayError };

/** A run that was judged: there may be many, so that only what changed is kept of each. */
export interface JudgedOutcome extends Pick<Rejudged, 'folder' | 'changes'> {
  readonly state: 'judged';
  /** `<test_id>/<cell_id>` */
  readonly key: string;
  /** When it began, ISO. */
  readonly startedAt: string;
  readonly before: Status;
  readonly after: Status;
}

/** Which stored runs are judged, by what, and whether that is kept. */
export interface RejudgeOptions {
  /** Cells of today. */
  readonly cells: readonly PlannedCell[];
  /** Leaves out runs that began earlier, in milliseconds since the Unix epoch; null leaves out none. */
  readonly sinceMs: number | null;
  /** Judges and writes nothing. */
  readonly isDryRun: boolean;
  /** Aborted, no further run is begun. */
  readonly signal: AbortSignal;
}

// While one run is written down the rows of the next are read.
const IN_FLIGHT = 2;

/**
 * Judges the runs below a folder by the thresholds of their cells, oldest first. A damaged run, or a folder
 * that cannot be read, is told and keeps no other from being judged; a run that was begun is judged to its end. None where no run is.
 */
export async function* rejudgeStored(folder: string, options: RejudgeOptions): AsyncGenerator<StoredOutcome> {
  const cells = new Map(options.cells.map((planned) => [planned.cell.key, planned]));
  const begun: Promise<StoredOutcome | null>[] = [];
  await readOneByOne();
  try {
    const unreadable: StoredOutcome[] = [];
    const runs = runsIn(folder, (path, error) => unreadable.push({ state: 'problem', folder: path, error }));
    yield* unreadable;
    for (const run of [...oldestFirst(runs), ...Array<null>(IN_FLIGHT).fill(null)]) {
      const isDraining = run === null || options.signal.aborted;
      if (!isDraining) begun.push(outcomeOf(run, cells, options));
      const first = isDraining || begun.length === IN_FLIGHT ? await begun.shift() : null;
      if (first) yield first;
    }
  } finally {
    await Promise.allSettled(begun);
  }
}

// In many small files, what the threads of one query tell each other costs more than it saves.
async function readOneByOne(): Promise<void> {
  const connection = await (await loadEngine()).connect();
  await connection.run('SET threads = 1').finally(() => connection.closeSync());
}

async function outcomeOf(
  folder: string,
  cells: ReadonlyMap<string, PlannedCell>,
  options: RejudgeOptions,
): Promise<StoredOutcome | null> {
  try {
    return await rejudgeRun(folder, cells, options);
  } catch (thrown) {
    if (thrown instanceof AssayError) return { state: 'problem', folder, error: thrown };
    throw thrown;
  }
}

function runsIn(folder: string, onUnreadable: OnUnreadable): readonly string[] {
  try {
    return findRuns(folder, onUnreadable);
  } catch (thrown) {
    if (thrown instanceof AssayError && thrown.code === 'EVIDENCE_MISSING') return [];
    throw thrown;
  }
}

/** Run ids begin with their time. */
function oldestFirst(folders: readonly string[]): readonly string[] {
  const byId = folders.map((folder) => [basename(folder), folder] as const);
  return byId.sort(([one], [other]) => (one < other ? -1 : 1)).map(([, folder]) => folder);
}

async function rejudgeRun(
  folder: string,
  cells: ReadonlyMap<string, PlannedCell>,
  { sinceMs, isDryRun }: RejudgeOptions,
): Promise<StoredOutcome | null> {
  const manifest = readManifest(folder);
  if (sinceMs !== null && Date.parse(manifest.timestamp_start) < sinceMs) return null;
  const key = `${manifest.test_id}/${manifest.cell_id}`;
  const planned = cells.get(key);
  if (planned === undefined) return { state: 'no_cell', folder, key };
  if (!isJudgeable(manifest)) return { state: 'not_judged', folder, status: manifest.status };
  const { before, after, changes } = await (isDryRun ? previewRejudge : rejudge)(folder, planned);
  const startedAt = manifest.timestamp_start;
  return { state: 'judged', folder, key, startedAt, before: before.status, after: after.status, changes };
}
