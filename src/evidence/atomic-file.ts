import { closeSync, constants, fsyncSync, ftruncateSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { AssayError, sentenceOf } from '../core/errors.ts';

/** More than a manifest takes. */
const RESERVED_BYTES = 64 * 1024;

const DRAFT = /\.\d+\.tmp$/;

/** Where this process writes what is to take a file's place. */
export function draftOf(path: string): string {
  return `${path}.${process.pid}.tmp`;
}

/** The file whose place a draft was to take, whoever wrote it; null for the path of any other file. */
export function placeOfDraft(path: string): string | null {
  return DRAFT.test(path) ? path.replace(DRAFT, '') : null;
}

/**
 * Replaces a file so that every reader, also after a crash, sees the old or the
 * new content and never a part: temporary file beside it, fsync, rename, fsync of the folder.
 *
 * @throws AssayError EVIDENCE_UNWRITABLE when the disk does not take it: the old content is still there.
 */
export function writeFileAtomically(path: string, content: string): void {
  const draft = draftOf(path);
  try {
    writeDurably(draft, content);
    renameSync(draft, path);
  } catch (cause) {
    rmSync(draft, { force: true });
    throw new AssayError('EVIDENCE_UNWRITABLE', `${path} cannot be written: ${sentenceOf(cause)}`, { cause });
  }
  syncFolder(dirname(path));
}

/**
 * Keeps space for the next content of a file that this process writes, so that a disk which
 * is full by then still takes it. A disk that is full already keeps none.
 */
export function reserveFor(path: string): void {
  try {
    writeFileSync(draftOf(path), Buffer.alloc(RESERVED_BYTES));
  } catch {
    rmSync(draftOf(path), { force: true });
  }
}

/** Makes what was renamed in a folder survive a power loss, where the system can. */
export function syncFolder(folder: string): void {
  try {
    const handle = openSync(folder, 'r');
    try {
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
  } catch {
    // Some file systems know no such thing; the file is in its place all the same.
  }
}

function writeDurably(path: string, content: string): void {
  // Over what is reserved there, not in its place: on a full disk only that space is to be had.
  const file = openSync(path, constants.O_WRONLY | constants.O_CREAT);
  try {
    ftruncateSync(file, Math.min(RESERVED_BYTES, Buffer.byteLength(content)));
    // All of it or an error: a single write may take a part and say nothing.
    writeFileSync(file, content);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
