import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readResults } from '../../../../../src/adapters/shared/results/read-results.ts';
import type { FoundRun, ResultFile } from '../../../../../src/adapters/shared/results/read-results.ts';
import type { ResultFormat } from '../../../../../src/adapters/shared/results/result-run.ts';

const FIXTURES = new URL('../../../../../fixtures/results/', import.meta.url).pathname;
const SAMPLES = new URL('../../../../../../shared/samples/', import.meta.url).pathname;

/** Why tests of published files are skipped; null where they are there. */
export const noSamples = existsSync(SAMPLES) ? null : 'the published result files are not part of this repository';

/** The names of our own fixtures. */
export const fixtureNames = readdirSync(FIXTURES).filter((name) => name !== 'README.md');

export function fixture(name: string): Buffer {
  return readFileSync(join(FIXTURES, name));
}

/** A published file, such as `vllm/x.json`. */
export function sample(path: string): Buffer {
  return readFileSync(join(SAMPLES, path));
}

/** Reads a text as if it were a file. */
export function read(text: string | Buffer, file = 'r.json', format: ResultFormat | null = null): ResultFile {
  return readResults({ file, bytes: Buffer.from(text) }, format);
}

/** The only run of a text. */
export function readOne(text: string | Buffer, file = 'r.json', format: ResultFormat | null = null): FoundRun {
  const { runs } = read(text, file, format);
  const [run] = runs;
  if (run === undefined || runs.length > 1) throw new Error(`${runs.length} runs`);
  return run;
}

/** A fixture with other fields. */
export function changed(name: string, fields: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ ...(JSON.parse(fixture(name).toString()) as object), ...fields });
}
