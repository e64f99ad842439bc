import { access, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { WorkloadFailure } from '../../evidence/failure.ts';
import { RUN_FILES } from '../../evidence/run-folder.ts';
import { readArtifact } from '../../lifecycle/artifact.ts';
import type { FoundRun } from '../shared/results/read-results.ts';
import type { ResultFormat } from '../shared/results/result-run.ts';
import { readServingResult } from '../shared/serving-result.ts';
import type { InferencemaxParams } from './params.ts';

/** What the result files are called, in the scratch folder and under `attachments/`. */
export const RESULTS = {
  /** What the load client saves, milliseconds. */
  raw: 'inferencemax.json',
  /** What InferenceX makes of it, seconds. */
  aggregates: 'aggregates',
  /** The requests of an agentic load. */
  requests: 'profile_export.jsonl',
} as const;

/** What a run has of each kind of result. */
export interface Found {
  readonly raw: FoundRun | null;
  readonly aggregate: FoundRun | null;
  readonly requests: FoundRun | null;
}

/**
 * Reads the results of a run.
 *
 * @throws WorkloadFailure parse_failure when there is none, one cannot be read, or several aggregates are of the load.
 */
export async function readResultFiles(folder: string, asked: Pick<InferencemaxParams, 'concurrency'>): Promise<Found> {
  const attachments = join(folder, RUN_FILES.attachments);
  const [raw, requests] = await Promise.all([
    readIfThere(join(attachments, RESULTS.raw), 'vllm-bench'),
    readIfThere(join(attachments, RESULTS.requests), 'aiperf'),
  ]);
  const aggregate = await readAggregate(join(attachments, RESULTS.aggregates), asked.concurrency);
  // Says what is there instead.
  if (raw === null && requests === null && aggregate === null) await readArtifact(join(attachments, RESULTS.raw));
  return { raw, aggregate, requests };
}

async function readAggregate(folder: string, concurrency: number): Promise<FoundRun | null> {
  const names = await readdir(folder).catch(() => []);
  const files = names.filter((name) => name.endsWith('.json')).toSorted();
  const runs = await Promise.all(files.map((name) => readServingResult(join(folder, name), 'inferencex-agg')));
  const own = runs.filter(({ origin }) => (origin.params['concurrency'] ?? concurrency) === concurrency);
  if (own.length < 2) return own[0] ?? null;
  throw new WorkloadFailure(
    'parse_failure',
    `${folder} has ${own.length} aggregates of concurrency ${concurrency}: ${files.join(', ')} - a cell is one load`,
  );
}

async function readIfThere(path: string, format: ResultFormat): Promise<FoundRun | null> {
  const isThere = await access(path).then(
    () => true,
    () => false,
  );
  return isThere ? readServingResult(path, format) : null;
}
