import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readCorpus, splitCorpus } from '../../../../src/adapters/jax-js/corpus.ts';

it('reads the text files of a folder in name order with one blank line between', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'assay-corpus-'));
  try {
    await expect(readCorpus(folder)).rejects.toMatchObject({ code: 'SETUP_FAILED' });
    await expect(readCorpus(join(folder, 'absent'))).rejects.toMatchObject({ code: 'SETUP_FAILED' });
    await writeFile(join(folder, '2.txt'), 'second\n');
    await writeFile(join(folder, '1.txt'), '\nfirst a\n\nfirst b\n\n');
    await writeFile(join(folder, 'notes.md'), 'no text');
    expect(await readCorpus(folder)).toBe('first a\n\nfirst b\n\nsecond');
  } finally {
    await rm(folder, { recursive: true });
  }
});

it('holds out every tenth paragraph and trains on all others', () => {
  const text = Array.from({ length: 25 }, (_, index) => `p${index + 1}.`).join('\n\n');
  const { training, heldOut } = splitCorpus(text);
  expect(heldOut).toBe('p10.\n\np20.');
  expect(training.split('\n\n')).toHaveLength(23);
  expect(training).not.toMatch(/p[12]0\./);
});
