import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { AssayError } from '../../core/errors.ts';
import { WorkloadFailure } from '../../evidence/failure.ts';
import { RUN_FILES } from '../../evidence/run-folder.ts';
import type { SampleRow } from '../../evidence/tables/samples.ts';
import { readArtifact } from '../../lifecycle/artifact.ts';
import type { WorkloadResult } from '../../lifecycle/adapter.ts';
import { readResults } from '../shared/results/read-results.ts';
import type { FoundRun } from '../shared/results/read-results.ts';
import { LOAD_END_FILE } from '../shared/serving-observe.ts';
import { BENCH_RESULT, requestCount } from './bench-argv.ts';
import type { SglangParams } from './params.ts';

const SNIPPET_LENGTH = 200;

/** What the load client left of this run. */
export interface BenchResult extends Pick<
  WorkloadResult,
  'scalars' | 'frameworkVersions' | 'startedAtMs' | 'durationMs'
> {
  /** One row a request; `tsMs` counts from the start of the load. Empty where the client kept only a summary. */
  readonly rows: readonly SampleRow[];
}

/**
 * Reads the result of this run among those that were appended to a file: that with its tag, else the last.
 *
 * @throws WorkloadFailure parse_failure with the path, the size and a snippet when there is none.
 */
export async function readBenchResult(folder: string, params: SglangParams): Promise<BenchResult> {
  const path = join(folder, RUN_FILES.attachments, BENCH_RESULT);
  const text = await readArtifact(path);
  const runs = runsIn(path, text);
  const own = runs.filter(({ origin }) => origin.params['tag'] === basename(folder));
  const run = own.at(-1) ?? runs.at(-1);
  if (run === undefined)
    throw new WorkloadFailure('parse_failure', `${path} holds no load`, [text.slice(0, SNIPPET_LENGTH)]);
  const rows = run.rows.map(failedWithoutToken);
  return {
    rows,
    scalars: { ...run.scalars, ...countsOf(run, rows, params) },
    frameworkVersions: run.versions,
    startedAtMs: await startOf(folder, run.durationMs),
    durationMs: run.durationMs,
  };
}

function runsIn(path: string, text: string): readonly FoundRun[] {
  try {
    return readResults({ file: path, bytes: Buffer.from(text) }, 'sglang-bench').runs;
  } catch (thrown) {
    if (!(thrown instanceof AssayError)) throw thrown;
    const size = `${Buffer.byteLength(text)} bytes`;
    throw new WorkloadFailure('parse_failure', `${thrown.message} (${size})`, [text.slice(0, SNIPPET_LENGTH)]);
  }
}

/** The client writes an error as an empty text where the answer had no reason phrase. */
function failedWithoutToken(row: SampleRow): SampleRow {
  if (!row.ok || row.ttftMs !== null || (row.outputTokens ?? 0) > 0) return row;
  return { ...row, outputTokens: null, ok: false, error: 'no token came' };
}

// The reason phrase of the answer, in newer versions with its body.
const SERVER_ERROR = /^(?:Internal Server Error|Not Implemented|Bad Gateway|Service Unavailable|Gateway Timeout)\b/;

/** The client says how many completed, not how many it sent. */
function countsOf(
  { scalars }: FoundRun,
  rows: readonly SampleRow[],
  params: SglangParams,
): Readonly<Record<string, number | null>> {
  const completed = rows.length === 0 ? (scalars['completed'] ?? null) : rows.filter(({ ok }) => ok).length;
  const requests = rows.length === 0 ? requestCount(params) : rows.length;
  const errors = rows.flatMap(({ error }) => error ?? []);
  return {
    requests,
    completed,
    failed: completed === null || completed > requests ? null : requests - completed,
    http_5xx: rows.length === 0 ? null : errors.filter((error) => SERVER_ERROR.test(error)).length,
  };
}

/** The client saves its result when the load is over, and ends: the result itself has no time. */
async function startOf(folder: string, durationMs: number | null): Promise<number | null> {
  const text = await readFile(join(folder, RUN_FILES.attachments, LOAD_END_FILE), 'utf8').catch(() => '');
  const [, endedAtMs] = /"ended_at_ms": (\d+)/.exec(text) ?? [];
  return endedAtMs === undefined || durationMs === null ? null : Number(endedAtMs) - durationMs;
}
