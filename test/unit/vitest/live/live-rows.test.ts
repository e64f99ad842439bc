import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { displayWidth } from '../../../../src/core/display-width.ts';
import type { RunningCell } from '../../../../src/vitest/live/live-board.ts';
import { liveRows } from '../../../../src/vitest/live/live-rows.ts';
import type { LiveState } from '../../../../src/vitest/live/live-rows.ts';

const serving: RunningCell = {
  framework: 'llama_cpp',
  name: 'prefill_heavy-conc4',
  phase: 'await',
  elapsedMs: 12_345,
  progress: { done: 96, total: 160, unit: 'req', rate: '412 tok/s' },
  remainingMs: 2_100,
};
const training: RunningCell = {
  framework: 'jax_js',
  name: 'ranks2',
  phase: 'await',
  elapsedMs: 5_999,
  progress: { done: 31, total: 60, unit: 'step', rate: 'loss 2.91' },
  remainingMs: null,
};
const state: LiveState = {
  running: [serving, training],
  waiting: [{ what: 'waiting for localhost', count: 2 }],
  cells: { done: 3, total: 8 },
  tests: { passed: 40, failed: 1, skipped: 0, files: { done: 1, total: 7 } },
  elapsedMs: 41_000,
};

const shown = (changes: Partial<LiveState>, columns = 79, rows = 23): readonly string[] =>
  liveRows({ ...state, ...changes }, { columns, rows }).map((row) => stripVTControlCharacters(row));

describe('the rows of the live window', () => {
  it('are one for each running cell, for what others wait for, and for how far all of it is', () => {
    expect(shown({})).toEqual([
      '',
      ' ● llama_cpp  prefill_heavy-conc4  await  12 s  96/160 req  412 tok/s  eta 3 s',
      ' ● jax_js     ranks2               await  5 s   31/60 step  loss 2.91',
      ' ○ 2 cells waiting for localhost',
      '   3 of 8 cells done · tests 40 passed, 1 failed · 1 of 7 files · 41 s',
    ]);
  });

  it('tell of a silence in place of a rate and an end that nobody knows', () => {
    const progress = { done: 96, total: 160, unit: 'req', rate: '412 tok/s', quietMs: 45_000 };
    expect(shown({ running: [{ ...serving, progress }] })).toContain(
      ' ● prefill_heavy-conc4  await  12 s  96/160 req  nothing moved for 45 s',
    );
  });

  it('leave out what is dispensable where the terminal is narrow, never the cell, its phase and its count', () => {
    const running = [{ ...serving, name: 'a_very_long_scenario_name-with-many-axes-conc4' }];
    for (const columns of [42, 50, 60, 79]) {
      expect(shown({ running }, columns)[1]).toMatch(/^ ● a_very_lo.*….*axes-conc4 {2}await {2}.*96\/160 req/);
    }
  });

  it('are as many as fit, and name how many are left out', () => {
    const many = Array.from({ length: 17 }, () => serving);
    expect(shown({ running: many }).filter((row) => row.includes('await'))).toHaveLength(10);
    expect(shown({ running: many })).toContain(' ● … 7 more running');
    expect(shown({ running: many }, 79, 9)).toHaveLength(9);
    const waiting = Array.from({ length: 5 }, (_, at) => ({ what: `waiting: n${at} is in use`, count: 2 }));
    expect(shown({ waiting })).toContain(' ○ … 4 more cells');
    expect(shown({ waiting: [{ what: 'waiting: PENDING', count: 1 }] })).toContain(' ○ 1 cell waiting: PENDING');
  });

  it('are never wider than the terminal nor more than its rows, whatever the names', () => {
    const anyText = fc.oneof(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' }));
    const anyCell: fc.Arbitrary<RunningCell> = fc.record({
      framework: anyText,
      name: anyText,
      phase: fc.constantFrom('start', 'launch', 'await', 'teardown'),
      elapsedMs: fc.nat(1e9),
      remainingMs: fc.option(fc.nat(1e9)),
      progress: fc.option(
        fc.record({ done: fc.nat(), total: fc.nat(), unit: anyText, rate: anyText, quietMs: fc.nat(1e9) }),
      ),
    });
    const anyWait = fc.record({ what: anyText, count: fc.nat() });
    const size = { columns: fc.integer({ min: 10, max: 200 }), rows: fc.integer({ min: 9, max: 60 }) };
    fc.assert(
      fc.property(
        fc.array(anyCell, { maxLength: 14 }),
        fc.array(anyWait, { maxLength: 6 }),
        fc.record(size),
        (running, waiting, { columns, rows }) => {
          const drawn = shown({ running, waiting }, columns, rows);
          expect(drawn.length).toBeLessThanOrEqual(rows);
          for (const row of drawn) {
            expect(displayWidth(row)).toBeLessThanOrEqual(columns);
            expect(row).not.toMatch(/\p{Cc}/u);
          }
        },
      ),
    );
  });
});
