import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { AssayError } from '../../core/errors.ts';
import { RUN_LEVELS } from '../run-folder.ts';

/**
 * The run directories at or below a folder, in order of their path. A run
 * directory is known by its place, so that one without a manifest is found too.
 *
 * @throws AssayError EVIDENCE_MISSING when there is no such folder or no run in it.
 */
export function findRuns(folder: string): readonly string[] {
  const runs = existsSync(folder) ? descend(folder, RUN_LEVELS) : [];
  if (runs.length > 0) return runs;
  throw new AssayError('EVIDENCE_MISSING', `${folder} holds no run directory`, {
    hint: 'name an artifact directory, or a folder inside one',
  });
}

function descend(folder: string, levels: number): readonly string[] {
  const entries = readdirSync(folder, { withFileTypes: true });
  const isRun = entries.some((entry) => entry.name === 'logs' && entry.isDirectory());
  if (isRun) return [folder];
  if (levels === 0) return [];
  // What begins with a dot is being made or deleted.
  const folders = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.')).map(({ name }) => name);
  return folders.sort().flatMap((name) => descend(join(folder, name), levels - 1));
}
