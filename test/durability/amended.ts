import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { readManifest } from '../../src/evidence/run-reader.ts';

/** Every amendment of a run is in its manifest, in the file that all of them add to, and in a file of its own, in one order. */
export function expectAmended(folder: string, tokens: readonly string[]): void {
  const { verifications, sidecars } = readManifest(folder);
  const added = amendmentsOf(folder);
  expect(added.toSorted()).toEqual(tokens.toSorted());
  expect(readFileSync(join(folder, 'lines.txt'), 'utf8')).toBe(added.map((token) => `${token}\n`).join(''));
  expect(verifications).toHaveLength(tokens.length);
  expect(Object.keys(sidecars)).toEqual(expect.arrayContaining(verifications.map(({ file }) => file)));
}

/** The amendments that a manifest speaks of, oldest first. */
export function amendmentsOf(folder: string): readonly string[] {
  return readManifest(folder).tags.filter((tag) => /^[ab]-\d+$/.test(tag));
}
