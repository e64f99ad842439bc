import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseJax } from '../../../../src/adapters/jax/parse.ts';
import { runWith } from '../shared/program-probe.ts';

const FIXTURES = new URL('../../../../fixtures/maxtext/', import.meta.url).pathname;
/** Published logs of MaxText. */
export const SAMPLES = new URL('../../../../../shared/samples/maxtext/', import.meta.url).pathname;

/** Why tests of published logs are skipped; null where they are there. */
export const noSamples = existsSync(SAMPLES) ? null : 'the published logs are not part of this repository';

/** One of our own logs. */
export const fixture = (name: string): string => readFileSync(join(FIXTURES, name), 'utf8');

/** What a run of these logs comes to, one log per host, and its rows. */
export async function parsed(
  logs: readonly string[],
  { params = {}, knobs = {}, files = {}, start = '2026-03-01T10:00:00.000Z', env = {} }: Told = {},
) {
  const hosts = logs.map((_, index) => `n${index + 1}`);
  const named = Object.fromEntries(logs.map((log, index) => [`logs/worker.n${index + 1}.log`, log]));
  const { context, points } = runWith(
    { ...named, ...files },
    {
      params: { steps: 30, ...params },
      knobs,
      bindings: { worker: hosts },
      launches: hosts.map((host) => ({ role: 'worker', host, env })),
      timestamp_start: start,
    },
  );
  return { result: await parseJax(context), points };
}

interface Told {
  readonly params?: object;
  readonly knobs?: object;
  readonly files?: Readonly<Record<string, string>>;
  readonly start?: string;
  /** What its programs were launched with. */
  readonly env?: Readonly<Record<string, string>>;
}
