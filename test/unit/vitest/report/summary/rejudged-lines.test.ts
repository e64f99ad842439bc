import { describe, expect, it } from 'vitest';
import type { Verdict } from '../../../../../src/evidence/verdict.ts';
import type { VerdictChange } from '../../../../../src/session/stored/rejudge.ts';
import type { JudgedAgain } from '../../../../../src/session/stored/reuse.ts';
import { rejudgedLines } from '../../../../../src/vitest/report/summary/rejudged-lines.ts';
import { manifest, summary, verdict, widest } from './plain-summary.ts';

const change = (before: Partial<Verdict> | null, after: Partial<Verdict> | null): VerdictChange => ({
  benchmark: (before ?? after)?.benchmark ?? 'ttft_p99',
  before: before === null ? null : verdict(before),
  after: after === null ? null : verdict(after),
});
const again = (verdicts: readonly VerdictChange[], what: JudgedAgain['what'] = 'thresholds'): JudgedAgain => ({
  what,
  changes: [],
  verdicts,
});
const reusedRun = (cellId: string, judgedAgain: JudgedAgain | null) => ({
  manifest: manifest({ cell_id: cellId }),
  folder: `runs/${cellId}`,
  judgedAgain,
});

describe('rejudgedLines', () => {
  it('tells a changed threshold once, with the cells that it turned', () => {
    const eased = change(
      { outcome: 'failed', margin: -23.4, expected: 50 },
      { outcome: 'passed', margin: 26.6, expected: 100 },
    );
    const same = change({ margin: 30, expected: 50 }, { margin: 80, expected: 100 });
    const reused = [
      reusedRun('balanced-conc4', again([eased])),
      ...Array.from({ length: 7 }, (_, n) => reusedRun(`conc${n}`, again([same]))),
      reusedRun('as-then', null),
    ];
    const lines = rejudgedLines(summary({ reuse: 'prefer', reused, elapsedMs: 900 }));
    expect(lines.join('\n')).toMatchInlineSnapshot(`
      "
       8 runs re-judged in 0.9 s, nothing launched
         ttft_p99  threshold 50 -> 100 ms
           balanced-conc4  failed -> passed  margin -23.4 -> +26.6
           7 unchanged"
    `);
    expect(widest(lines)).toBeLessThanOrEqual(80);
  });

  it('tells thresholds that are new, turned round or gone, and verdicts for want of data', () => {
    const lines = rejudgedLines(
      summary({
        runs: [{ manifest: manifest(), folder: 'runs/1' }],
        reused: [
          reusedRun(
            'conc1',
            again([
              change(null, { benchmark: 'itl_p99', expected: 9 }),
              change({ benchmark: 'tpot_p99' }, null),
              change({ op: '<=', margin: 1 }, { op: '>=', margin: -1, outcome: 'failed' }),
              change(
                { benchmark: 'goodput', metric: 'goodput', expected: 2 },
                { benchmark: 'goodput', metric: 'goodput', expected: 3, outcome: 'no_data', margin: null },
              ),
            ]),
          ),
        ],
      }),
    );
    expect(lines.join('\n')).toMatchInlineSnapshot(`
      "
       1 run re-judged
         itl_p99  threshold none -> <= 9 ms
           conc1  not judged -> passed  margin +30
         tpot_p99  no longer judged
           conc1  passed -> not judged  margin +30
         ttft_p99  threshold <= 50 -> >= 50 ms
           conc1  passed -> failed  margin +1 -> -1
         goodput  threshold 2 -> 3
           conc1  passed -> no data  margin +30"
    `);
  });

  it('tells what else made it judge anew, and that nothing came of it', () => {
    const enforced = { what: 'enforce', changes: ['false -> true'], verdicts: [] } as const;
    const reused = [
      reusedRun('conc1', enforced),
      reusedRun('conc2', enforced),
      reusedRun('conc4', again([], 'the way runs are judged')),
    ];
    expect(rejudgedLines(summary({ reuse: 'only', reused })).join('\n')).toMatchInlineSnapshot(`
      "
       2 runs re-judged in 0.0 s, nothing launched
         enforce changed: false -> true
         every verdict as before

       1 run re-judged in 0.0 s, nothing launched
         the way runs are judged changed
         every verdict as before"
    `);
  });

  it('cuts a long list of cells with their number', () => {
    const turned = change({ outcome: 'failed', margin: -1 }, { expected: 100 });
    const reused = Array.from({ length: 30 }, (_, n) => reusedRun(`conc${n}`, again([turned])));
    const lines = rejudgedLines(summary({ reuse: 'only', reused }));
    expect(lines).toHaveLength(12);
    expect(lines.at(-1)).toBe('     … 22 more changed');
  });

  it('says nothing of runs that stand as they were judged', () => {
    expect(rejudgedLines(summary({ reuse: 'only', reused: [reusedRun('conc1', null)] }))).toEqual([]);
  });
});
