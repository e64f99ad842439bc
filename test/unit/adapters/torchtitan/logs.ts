import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseTorchtitan } from '../../../../src/adapters/torchtitan/parse.ts';
import { runWith } from '../shared/program-probe.ts';

const FIXTURES = new URL('../../../../fixtures/torchtitan/', import.meta.url).pathname;
/** Published logs of torchtitan. */
export const SAMPLES = new URL('../../../../../shared/samples/torchtitan/', import.meta.url).pathname;

/** Why tests of published logs are skipped; null where they are there. */
export const noSamples = existsSync(SAMPLES) ? null : 'the published logs are not part of this repository';

/** One of our own logs. */
export const fixture = (name: string): string => readFileSync(join(FIXTURES, name), 'utf8');

/** What a run of these logs comes to, one log per host, and its rows. */
export async function parsed(
  logs: readonly string[],
  params: object = {},
  { start = '2026-03-01T10:00:00.000Z', env = {} }: Launched = {},
) {
  const hosts = logs.map((_, index) => `n${index + 1}`);
  const named = Object.fromEntries(logs.map((log, index) => [`logs/worker.n${index + 1}.log`, log]));
  const launches = hosts.map((host) => ({ role: 'worker', host, env }));
  const run = { params: { steps: 20, ...params }, bindings: { worker: hosts }, launches, timestamp_start: start };
  const { context, points } = runWith(named, run);
  return { result: await parseTorchtitan(context), points };
}

interface Launched {
  readonly start?: string;
  /** What its programs were launched with. */
  readonly env?: Readonly<Record<string, string>>;
}
