import { existsSync, readdirSync } from 'node:fs';
import type { Dirent } from 'node:fs';
import { join } from 'node:path';
import { AssayError, messageOf } from '../../core/errors.ts';
import { RUN_LEVELS } from '../run-folder.ts';

/** Is told of a folder that cannot be read: what is in it nobody knows. */
export type OnUnreadable = (folder: string, error: AssayError) => void;

/**
 * The run directories at or below a folder, in order of their path. A run
 * directory is known by its place, so that one without a manifest is found too.
 * A folder that cannot be read keeps no other from being looked into.
 *
 * @throws AssayError EVIDENCE_MISSING when there is no such folder or no run in it.
 */
export function findRuns(folder: string, onUnreadable: OnUnreadable = () => undefined): readonly string[] {
  const runs = existsSync(folder) ? descend(folder, RUN_LEVELS, onUnreadable) : [];
  if (runs.length > 0) return runs;
  throw new AssayError('EVIDENCE_MISSING', `${folder} holds no run directory`, {
    hint: 'name an artifact directory, or a folder inside one',
  });
}

function descend(folder: string, levels: number, onUnreadable: OnUnreadable): readonly string[] {
  const folders = subfoldersOf(folder, onUnreadable);
  if (folders.includes('logs')) return [folder];
  if (levels === 0) return [];
  return folders.toSorted().flatMap((name) => descend(join(folder, name), levels - 1, onUnreadable));
}

/** The names of the folders in a folder; none where somebody has deleted it, or it cannot be read. */
export function subfoldersOf(folder: string, onUnreadable: OnUnreadable): readonly string[] {
  return (
    entriesOf(folder, onUnreadable)
      // What begins with a dot is being made or deleted.
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
      .map(({ name }) => name)
  );
}

function entriesOf(folder: string, onUnreadable: OnUnreadable): readonly Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') onUnreadable(folder, unreadable(folder, cause));
    return [];
  }
}

function unreadable(folder: string, cause: unknown): AssayError {
  return new AssayError('EVIDENCE_DAMAGED', `${folder} cannot be read: ${messageOf(cause)}`, {
    hint: 'let this user read it; what is in it was left out',
    cause,
  });
}
