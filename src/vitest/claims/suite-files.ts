import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { globSync } from 'tinyglobby';
import type { TestProject } from 'vitest/node';
import { AssayError } from '../../core/errors.ts';
import { PLANNING } from './claim.ts';
import { readSuite, suitesIn } from './read-suite.ts';
import type { SuiteReading } from './read-suite.ts';
import type { Suite } from './suite.ts';

const BUILTIN = fileURLToPath(new URL('../../../suites', import.meta.url));

/** What every suite file of a folder is called. */
const SUITE_FILES = '**/*.test.{ts,mts,js,mjs}';

/** The folders of suites that a project names, absolute. */
export function suiteFolders(root: string, names: readonly string[]): readonly string[] {
  return names.map((name) => (name === 'builtin' ? BUILTIN : join(root, name)));
}

/**
 * Reads the suites of a project as data: nothing registers.
 *
 * @throws AssayError CLAIMS_INVALID for a folder without suites, and with every problem of every file.
 */
export async function readSuites(project: TestProject, folders: readonly string[]): Promise<readonly Suite[]> {
  const planning = globalThis as { [PLANNING]?: true };
  planning[PLANNING] = true;
  const readings: SuiteReading[] = [];
  for (const folder of folders) {
    const files = globSync(SUITE_FILES, { cwd: folder, absolute: true }).sort();
    if (files.length === 0) {
      throw new AssayError('CLAIMS_INVALID', `no suite file (*.test.ts) in ${folder}`, {
        hint: 'correct `suites` in assay({ suites }), or remove the entry',
      });
    }
    for (const file of files) readings.push(await readSuite({ folder, file }, () => project.import(file)));
  }
  return suitesIn(readings);
}
