import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { AssayError, sentenceOf } from '../core/errors.ts';

/**
 * Replaces a file so that every reader, also after a crash, sees the old or the
 * new content and never a part: temporary file beside it, fsync, rename.
 *
 * @throws AssayError EVIDENCE_UNWRITABLE when the disk does not take it: the old content is still there.
 */
export function writeFileAtomically(path: string, content: string): void {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    writeDurably(temporary, content);
    renameSync(temporary, path);
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw new AssayError('EVIDENCE_UNWRITABLE', `${path} cannot be written: ${sentenceOf(cause)}`, { cause });
  }
}

function writeDurably(path: string, content: string): void {
  const file = openSync(path, 'w');
  try {
    // All of it or an error: a single write may take a part and say nothing.
    writeFileSync(file, content);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
