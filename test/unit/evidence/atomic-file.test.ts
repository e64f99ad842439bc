import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { draftOf, placeOfDraft, reserveFor, writeFileAtomically } from '../../../src/evidence/atomic-file.ts';
import { temporaryFolder } from './rows.ts';

describe('writeFileAtomically', () => {
  it('replaces a file whole, and leaves nothing beside it', () => {
    const folder = temporaryFolder();
    const path = join(folder, 'a.json');
    writeFileAtomically(path, 'a longer text');
    writeFileAtomically(path, 'short');
    expect(readFileSync(path, 'utf8')).toBe('short');
    expect(readdirSync(folder)).toEqual(['a.json']);
  });

  it.each([
    ['shorter', 'é'],
    ['longer', 'é'.repeat(50_000)],
  ])('writes a text that is %s than what was reserved for it', (_, text) => {
    const folder = temporaryFolder();
    const path = join(folder, 'a.json');
    reserveFor(path);
    const { ino, blocks } = statSync(draftOf(path));
    expect(blocks).toBeGreaterThan(0);
    writeFileAtomically(path, text);
    expect(readFileSync(path, 'utf8')).toBe(text);
    // In the space that was reserved, not in other space.
    expect(statSync(path).ino).toBe(ino);
    expect(readdirSync(folder)).toEqual(['a.json']);
  });

  it('leaves what was there when it cannot be replaced', () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'a.json'));
    writeFileSync(join(folder, 'a.json', 'inside'), '');
    expect(() => writeFileAtomically(join(folder, 'a.json'), 'x')).toThrow(
      expect.objectContaining({ code: 'EVIDENCE_UNWRITABLE' }),
    );
    expect(readdirSync(folder)).toEqual(['a.json']);
  });

  it('keeps nothing where nothing can be kept', () => {
    const path = join(temporaryFolder(), 'missing', 'a.json');
    reserveFor(path);
    expect(existsSync(path)).toBe(false);
  });
});

describe('placeOfDraft', () => {
  it('is the file that a draft is for, whichever process writes it', () => {
    expect(placeOfDraft(draftOf('/runs/a.json'))).toBe('/runs/a.json');
    expect(placeOfDraft('/runs/a.json.1.tmp')).toBe('/runs/a.json');
    expect(placeOfDraft('/runs/a.tmp')).toBeNull();
  });
});
