import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RUN_FILES } from '../../src/evidence/run-folder.ts';
import { readOwnManifest } from '../../src/evidence/run-writer.ts';
import { startedRun } from '../unit/started-run.ts';

/** Writes down what a process of its own needs to begin runs; the path of the file. */
export function writeTemplate(folder: string): string {
  const { folder: run } = startedRun();
  const path = join(folder, 'template.json');
  const resolvedConfig = readFileSync(join(run, RUN_FILES.config), 'utf8');
  writeFileSync(path, JSON.stringify({ manifest: readOwnManifest(run), resolvedConfig }));
  return path;
}
