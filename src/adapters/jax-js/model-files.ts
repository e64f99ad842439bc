import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TinyModel } from './pack-model.ts';
import { modelFiles } from './recipe.ts';

/** Writes the files of a trained model into a folder. */
export async function writeModelFiles({ gguf, card, heldOut }: TinyModel, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await replaceFile(join(folder, modelFiles.gguf), gguf);
  await replaceFile(join(folder, modelFiles.heldOut), heldOut);
  await replaceFile(join(folder, modelFiles.card), `${JSON.stringify(card, undefined, 2)}\n`);
}

/** Writes a file so that a reader sees the old one or the new one, never a part of it. */
export async function replaceFile(path: string, content: Uint8Array | string): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  await writeFile(temporary, content, { flush: true });
  await rename(temporary, path);
}
