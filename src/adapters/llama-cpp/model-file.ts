import { open, type FileHandle } from 'node:fs/promises';
import { AssayError, messageOf } from '../../core/errors.ts';
import { hashOfFile } from '../../core/hash.ts';

/** Refuses a path that cannot be read or is no GGUF file. */
export async function checkIsGguf(path: string): Promise<void> {
  const magic = await readMagic(path);
  if (magic !== 'GGUF') {
    throw new AssayError('SETUP_FAILED', `${path} is no GGUF file: it starts with ${JSON.stringify(magic)}`, {
      hint: 'give a model converted to GGUF',
    });
  }
}

/** Refuses a file whose sha256 is not the expected one; expects nothing when that is undefined. */
export async function checkDigest(path: string, sha256: string | undefined): Promise<void> {
  if (sha256 === undefined) {
    return;
  }
  const actual = await hashOfFile(path);
  if (actual !== `sha256:${sha256}`) {
    throw new AssayError('SETUP_FAILED', `${path} has ${actual}, expected sha256:${sha256}`, {
      hint: 'fetch or make the model again, or correct the expected digest',
    });
  }
}

async function readMagic(path: string): Promise<string> {
  let file: FileHandle | undefined;
  try {
    file = await open(path);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
    return buffer.toString('latin1', 0, bytesRead);
  } catch (error) {
    throw new AssayError('SETUP_FAILED', `model file ${path} cannot be read: ${messageOf(error)}`, {
      hint: 'check --model',
      cause: error,
    });
  } finally {
    await file?.close();
  }
}
