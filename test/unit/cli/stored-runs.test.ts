import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cellDocument, onScreen, problemLines, shortened, unreadableLine } from '../../../src/cli/stored-runs.ts';

const here = (path: string): string => join(process.cwd(), path);

describe('paths on a screen', () => {
  it('begin where the user stands, or at the root', () => {
    expect([here('runs/a'), process.cwd(), '/else/where'].map(onScreen)).toEqual(['runs/a', '.', '/else/where']);
  });

  it('are short within sentences too', () => {
    expect(problemLines({ message: `${here('runs/a')} is gone`, hint: `restore ${here('b')}` })).toEqual([
      ' ✗ runs/a is gone',
      '   next: restore b',
    ]);
    expect(problemLines({ message: '/else/a is gone' })).toEqual([' ✗ /else/a is gone']);
  });

  it('are told once of a run that cannot be read', () => {
    const folder = here('runs/a');
    expect(unreadableLine('left out', { folder, reason: `${folder}/manifest.json is no JSON` })).toBe(
      ' ! left out: runs/a/manifest.json is no JSON',
    );
    expect(unreadableLine('left out', { folder, reason: 'no JSON' })).toBe(' ! left out: runs/a: no JSON');
  });
});

describe('shortened', () => {
  const lines = (entries: readonly string[]) => shortened(entries, (entry) => [entry, '-'], { most: 2, noun: 'cell' });

  it('counts what it does not show', () => {
    expect(lines(['a', 'b'])).toEqual(['a', '-', 'b', '-']);
    expect(lines(['a', 'b', 'c'])).toEqual(['a', '-', 'b', '-', ' … 1 more cell (--json lists all)']);
    expect(lines(['a', 'b', 'c', 'd']).at(-1)).toBe(' … 2 more cells (--json lists all)');
  });
});

describe('cellDocument', () => {
  it('parts the config from the cell', () => {
    expect(cellDocument('demo/balanced-conc1')).toEqual({ test_id: 'demo', cell_id: 'balanced-conc1' });
  });
});
