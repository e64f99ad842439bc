import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AssayError, messageOf } from '../../core/errors.ts';

/** A text split into the part that trains and the part that only judges. */
export interface Corpus {
  readonly training: string;
  readonly heldOut: string;
}

const heldOutEvery = 10;

/** Reads every `.txt` file of a folder, in name order. */
export async function readCorpus(folder: string): Promise<string> {
  const names = (await listFolder(folder)).filter((name) => name.endsWith('.txt')).toSorted();
  if (names.length === 0) {
    throw new AssayError('SETUP_FAILED', `no .txt file in the corpus folder ${folder}`, {
      hint: 'name a folder of plain text files with --corpus',
    });
  }
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
  return texts.map((text) => text.trim()).join('\n\n');
}

async function listFolder(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (cause) {
    throw new AssayError('SETUP_FAILED', `cannot read the corpus folder ${folder}: ${messageOf(cause)}`, {
      hint: 'run from the root of the repository, or name a folder with --corpus',
      cause,
    });
  }
}

/** Every tenth paragraph is held out, counted through the whole text; the rest trains. */
export function splitCorpus(text: string): Corpus {
  const paragraphs = text.split(/\n{2,}/);
  const isHeldOut = (index: number): boolean => index % heldOutEvery === heldOutEvery - 1;
  return {
    training: paragraphs.filter((_, index) => !isHeldOut(index)).join('\n\n'),
    heldOut: paragraphs.filter((_, index) => isHeldOut(index)).join('\n\n'),
  };
}
