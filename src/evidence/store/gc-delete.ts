import { existsSync, lstatSync, readdirSync, realpathSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import type { Dirent } from 'node:fs';
import { basename, dirname, join, relative, sep } from 'node:path';
import { sentenceOf } from '../../core/errors.ts';
import { RUN_LEVELS } from '../run-folder.ts';
import { withRunLock } from '../run-lock.ts';
import { readManifest } from '../run-reader.ts';
import type { StoredRun } from './run-store.ts';

const TRASH = '.trash-';

/** What became of a run that was to be deleted. */
export type Deletion =
  | { readonly state: 'deleted' }
  /** It is not what it was when that was decided: nothing was done. */
  | { readonly state: 'kept'; readonly reason: string }
  | { readonly state: 'failed'; readonly reason: string };

/**
 * Deletes a run directory: it disappears for readers at once, whatever happens then. Folders above it that are empty
 * now go with it.
 */
export async function deleteRun(artifacts: string, { folder, fact }: StoredRun): Promise<Deletion> {
  if (!isInside(artifacts, folder)) return { state: 'kept', reason: 'it is not inside of the artifact directory' };
  const trash = join(dirname(folder), TRASH + basename(folder));
  return attempt(artifacts, folder, () => {
    // Whoever had the lock before may have judged it again.
    const { status } = readManifest(folder);
    if (status !== fact['status']) return { state: 'kept', reason: `it is ${status} now` };
    rmSync(trash, { recursive: true, force: true });
    renameSync(folder, trash);
    rmSync(trash, { recursive: true });
    return { state: 'deleted' };
  });
}

/** What deletions that were broken off have left in an artifact directory, absolute. */
export function findTrash(artifacts: string): readonly string[] {
  let folders: readonly string[] = [artifacts];
  for (let level = 1; level < RUN_LEVELS; level++) {
    folders = folders.flatMap((folder) => foldersIn(folder).filter((path) => !basename(path).startsWith('.')));
  }
  return folders.flatMap((folder) => foldersIn(folder).filter((path) => basename(path).startsWith(TRASH)));
}

/** Ends a deletion that was broken off. */
export async function deleteTrash(artifacts: string, trash: string): Promise<Deletion> {
  const folder = join(dirname(trash), basename(trash).slice(TRASH.length));
  return attempt(artifacts, folder, () => {
    rmSync(trash, { recursive: true, force: true });
    return { state: 'deleted' };
  });
}

/** Deletes what is left of a run while nobody else changes it, then the folders above it that are empty. */
async function attempt(artifacts: string, folder: string, work: () => Deletion): Promise<Deletion> {
  let deletion: Deletion;
  try {
    deletion = await withRunLock(folder, work);
  } catch (thrown) {
    const isThere = [folder, join(dirname(folder), TRASH + basename(folder))].some((path) => existsSync(path));
    // Somebody else may have been faster.
    deletion = isThere ? { state: 'failed', reason: sentenceOf(thrown) } : { state: 'deleted' };
  }
  if (deletion.state === 'deleted') removeEmpty(artifacts, dirname(folder));
  return deletion;
}

/** The bytes of all files in a folder; one that somebody deletes meanwhile has none, nor what cannot be read. */
export function bytesIn(folder: string): number {
  let bytes = 0;
  for (const entry of entriesOf(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) bytes += bytesIn(path);
    else bytes += lstatSync(path, { throwIfNoEntry: false })?.size ?? 0;
  }
  return bytes;
}

// By way of links too: a folder of the artifact directory may be a link to another place.
function isInside(artifacts: string, folder: string): boolean {
  const real = lstatSync(folder, { throwIfNoEntry: false })?.isDirectory() === true ? realpathSync(folder) : '';
  const levels = relative(realpathSync(artifacts), real).split(sep);
  return real !== '' && levels.length === RUN_LEVELS && !levels.includes('..');
}

function removeEmpty(artifacts: string, folder: string): void {
  if (relative(artifacts, folder) === '' || relative(artifacts, folder).startsWith('..')) return;
  try {
    rmdirSync(folder);
  } catch {
    // Something is in it, or somebody else removed it.
    return;
  }
  removeEmpty(artifacts, dirname(folder));
}

function foldersIn(folder: string): readonly string[] {
  return entriesOf(folder)
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(folder, name));
}

// What is in a folder that cannot be read is told by whoever looks for runs, and what is gone is gone.
function entriesOf(folder: string): readonly Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}
