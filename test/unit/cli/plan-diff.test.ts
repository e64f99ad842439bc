import { describe, expect, it } from 'vitest';
import { printDiff } from '../../../src/cli/plan-diff.ts';
import type { PlanDiff } from '../../../src/session/plan-diff.ts';

const NOTHING: PlanDiff = { added: [], removed: [], moved: [], relaunched: [], rejudged: [], unchanged: 0 };
const keys = (count: number, prefix = 'demo/conc') => Array.from({ length: count }, (_, index) => `${prefix}${index}`);
const prompts = { path: 'params.num_prompts', before: 160, after: 100 };

function print(diff: Partial<PlanDiff>, ref = 'HEAD~1'): string {
  const text = printDiff({ ...NOTHING, ...diff }, ref);
  expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  return text;
}

describe('printDiff', () => {
  it('tells what costs most first, with the reasons once for all cells that share them', () => {
    const knobs = [
      { path: 'knobs.attention', before: 'aiter', after: 'fa' },
      { path: 'params.num_warmups', before: undefined, after: 4 },
    ];
    const p99 = { benchmark: 'ttft_p99', path: 'value', before: 50, after: 90 };
    const text = print({
      relaunched: [
        { key: 'demo/balanced-conc1', changes: [prompts], thresholds: [] },
        { key: 'vllm/default', changes: knobs, thresholds: [] },
        { key: 'demo/balanced-conc2', changes: [prompts], thresholds: [] },
      ],
      added: ['demo/balanced-conc8', 'demo/balanced-conc16'],
      removed: ['demo/balanced-conc3'],
      moved: [
        { from: 'old/conc1', to: 'new/conc1', changes: [] },
        { from: 'old/conc2', to: 'new/conc2', changes: [p99] },
      ],
      rejudged: [
        { key: 'demo/prefill_heavy-conc1', changes: [p99] },
        {
          key: 'demo/prefill_heavy-conc2',
          changes: [
            { benchmark: 'goodput', path: '', before: undefined, after: { kind: 'Goodput' } },
            { benchmark: 'throughput', path: '', before: { kind: 'Rate' }, after: undefined },
          ],
        },
      ],
      unchanged: 12,
    });
    expect(text).toBe(` To launch again
   2 cells  params.num_prompts: 160 -> 100
     demo/balanced-conc1
     demo/balanced-conc2
   1 cell   knobs.attention: aiter -> fa
            params.num_warmups: 4 (new)
     vllm/default

 New
   demo/balanced-conc8
   demo/balanced-conc16

 Gone
   demo/balanced-conc3

 Moved: the same workload, by another name
   old/conc1 -> new/conc1
   1 cell   ttft_p99: value 50 -> 90
     old/conc2 -> new/conc2

 Only judged again
   1 cell   ttft_p99: value 50 -> 90
     demo/prefill_heavy-conc1
   1 cell   goodput: new
            throughput: gone
     demo/prefill_heavy-conc2

 since HEAD~1: 2 new · 1 gone · 2 moved · 3 to launch again · 2 only judged
   again · 12 unchanged
`);
  });

  it('is one line when nothing changed', () => {
    expect(print({ unchanged: 18 }, 'origin/main')).toBe(' since origin/main: 18 unchanged\n');
  });

  it('shows twenty cells of a section at most', () => {
    const lines = print({ added: keys(23) }).split('\n');
    expect(lines.slice(0, 2)).toEqual([' New', '   demo/conc0']);
    expect(lines.slice(20)).toEqual(['   demo/conc19', '   ... 3 more', '', ' since HEAD~1: 23 new · 0 unchanged', '']);
    expect(print({ added: keys(20) })).not.toContain('more');
  });

  it('shares these among the groups, so that every reason is seen', () => {
    const seed = { path: 'seed', before: 0, after: 7 };
    const relaunched = [
      ...keys(30).map((key) => ({ key, changes: [prompts], thresholds: [] })),
      ...keys(11, 'other/c').map((key) => ({ key, changes: [seed], thresholds: [] })),
    ];
    const lines = print({ relaunched }).split('\n');
    expect(lines.slice(1, 3)).toEqual(['   30 cells  params.num_prompts: 160 -> 100', '     demo/conc0']);
    expect(lines.slice(11, 15)).toEqual([
      '     demo/conc9',
      '     ... 20 more',
      '   11 cells  seed: 0 -> 7',
      '     other/c0',
    ]);
    expect(lines.slice(23, 26)).toEqual(['     other/c9', '     ... 1 more', '']);
  });

  it('leaves out the groups that are too many, and the reasons', () => {
    const relaunched = keys(22).map((key, index) => ({ key, changes: [{ ...prompts, after: index }], thresholds: [] }));
    const lines = print({ relaunched }).split('\n');
    expect(lines.slice(39, 43)).toEqual([
      '   1 cell   params.num_prompts: 160 -> 19',
      '     demo/conc19',
      '   ... 2 more',
      '',
    ]);
    const changes = Array.from({ length: 11 }, (_, index) => ({ ...prompts, path: `params.p${index}` }));
    expect(
      print({ relaunched: [{ key: 'demo/conc1', changes, thresholds: [] }] })
        .split('\n')
        .slice(8, 11),
    ).toEqual(['            params.p7: 160 -> 100', '            ... 3 more', '     demo/conc1']);
  });

  it('tells of the bounds that changed with the workload', () => {
    const thresholds = [{ benchmark: 'ttft_p99', path: 'value', before: 1500, after: 900 }];
    const lines = print({ relaunched: [{ key: 'demo/conc1', changes: [prompts], thresholds }] }).split('\n');
    expect(lines.slice(1, 4)).toEqual([
      '   1 cell   params.num_prompts: 160 -> 100',
      '            and judged by another bound: ttft_p99: value 1500 -> 900',
      '     demo/conc1',
    ]);
  });

  it('breaks what is too long for the screen where it can', () => {
    const long = 'a_very_long_name_of_a_config_on_a_machine';
    const changes = [{ path: 'topology.roles.prefill.selector', before: 'x'.repeat(40), after: 'y'.repeat(40) }];
    const text = print({
      relaunched: [{ key: `${long}/default`, changes, thresholds: [] }],
      moved: [{ from: `${long}/conc1`, to: `${long}_renamed/conc1`, changes: [] }],
    });
    expect(text).toBe(` To launch again
   1 cell   topology.roles.prefill.selector: xxxxxxxxxxxxxxxxxxxxxxxxxxxxx... ->
              yyyyyyyyyyyyyyyyyyyyyyyyyyyyy...
     ${long}/default

 Moved: the same workload, by another name
   ${long}/conc1 ->
     ${long}_renamed/conc1

 since HEAD~1: 1 moved · 1 to launch again · 0 unchanged
`);
  });

  it('leaves a name whole that has no blank to break at', () => {
    const name = `demo/${'x'.repeat(90)}`;
    const moved = [{ from: name, to: `${name}y`, changes: [] }];
    expect(
      printDiff({ ...NOTHING, moved }, 'HEAD')
        .split('\n')
        .slice(1, 4),
    ).toEqual([`   ${name}`, `     ->`, `     ${name}y`]);
  });
});
