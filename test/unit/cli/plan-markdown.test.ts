import { describe, expect, it } from 'vitest';
import { diffMarkdown, planMarkdown } from '../../../src/cli/plan-markdown.ts';
import type { PlanDiff } from '../../../src/session/plan-diff.ts';
import type { ReportedCell } from '../../../src/session/plan-report.ts';

const NOTHING: PlanDiff = { added: [], removed: [], moved: [], relaunched: [], rejudged: [], unchanged: 0 };
const p99 = { benchmark: 'ttft_p99', path: 'value', before: 50, after: 90 };

const print = (diff: Partial<PlanDiff>) => diffMarkdown({ ...NOTHING, ...diff }, '1a2b3c4');
const keys = (count: number) => Array.from({ length: count }, (_, index) => `demo/conc${index}`);
const rowsOf = (page: string) => page.split('\n').filter((line) => line.startsWith('|'));

describe('diffMarkdown', () => {
  it('says what is launched, what is only judged again, and why, once for all cells that share it', () => {
    const page = print({
      relaunched: [
        { key: 'demo/conc1', changes: [{ path: 'params.num_prompts', before: 160, after: 100 }], thresholds: [p99] },
        { key: 'demo/conc2', changes: [{ path: 'params.num_prompts', before: 160, after: 100 }], thresholds: [p99] },
        { key: 'demo/conc4', changes: [{ path: 'seed', before: 1, after: 2 }], thresholds: [] },
      ],
      added: ['demo/conc8'],
      moved: [{ from: 'old/conc1', to: 'new/conc1', changes: [] }],
      rejudged: [{ key: 'demo/conc16', changes: [p99] }],
      removed: ['demo/conc32'],
      unchanged: 12,
    });
    expect(page).toBe(`### Benchmarks: 5 cells to launch, 1 cell only judged again

|  | cells | why |
| --- | --- | --- |
| launch again | \`demo/conc1\`<br>\`demo/conc2\` | \`params.num_prompts: 160 -> 100\`<br>\`ttft_p99: value 50 -> 90\` |
| launch again | \`demo/conc4\` | \`seed: 1 -> 2\` |
| new | \`demo/conc8\` |  |
| renamed | \`new/conc1\` | \`was old/conc1\` |
| only judged again | \`demo/conc16\` | \`ttft_p99: value 50 -> 90\` |
| gone | \`demo/conc32\` |  |

12 cells unchanged since \`1a2b3c4\`
`);
  });

  it('says that there is nothing to do, without a table', () => {
    expect(print({ unchanged: 6 })).toBe('### Benchmarks: nothing to launch\n\n6 cells unchanged since `1a2b3c4`\n');
  });

  it('keeps values of a config from being Markdown', () => {
    const change = { path: 'knobs.flags', before: 'a|b', after: '`<b>` ![](x)' };
    const page = print({ relaunched: [{ key: 'demo/conc1', changes: [change], thresholds: [] }] });
    expect(rowsOf(page).at(-1)).toBe('| launch again | `demo/conc1` | `` knobs.flags: a\\|b -> `<b>` ![](x) `` |');
  });

  it('fits into a comment, whatever changed', () => {
    const why = 'x'.repeat(30);
    const relaunched = keys(3000).map((key, index) => ({
      key: `${key}-${'long_name'.repeat(8)}`,
      changes: keys(20).map((path) => ({ path: `${path}.${why}`, before: index % 100, after: why })),
      thresholds: [],
    }));
    const page = print({ rejudged: keys(3000).map((key) => ({ key, changes: [p99] })), relaunched });
    expect(page.length).toBeLessThan(65_536);
    expect(page).toContain('3000 cells to launch, 3000 cells only judged again');
    expect(page).toContain('and 18 more');
    expect(page).toMatch(/^9\d more rows \(`--json` lists all\)$/m);
  });
});

describe('planMarkdown', () => {
  it('shows every cell with what is in its way', () => {
    const hash = `sha256:${'0'.repeat(64)}` as const;
    const cell: ReportedCell = {
      id: 'conc1',
      test_id: 'demo',
      config: 'configs/demo.yaml',
      framework: 'vllm',
      model: 'llama',
      target_gpu: 'mi300x',
      tags: [],
      axes: {},
      bindings: { prefill: ['n1'], decode: ['n2'] },
      status: 'runnable',
      reason: null,
      claims: [{ name: 'started', tier: 1, file: 'suites/logistics/started.test.ts' }],
      estimate_s: 2,
      cached: 'a',
      workload_hash: hash,
      verification_hash: hash,
      experiment_id: '',
      bracket: '',
    };
    const reason = 'insufficient_nodes (need 8, have 2)';
    const skipped: ReportedCell = {
      ...cell,
      id: 'conc2',
      bindings: {},
      status: 'skipped',
      reason,
      estimate_s: null,
      cached: null,
    };
    const totals = { cells: 2, runnable: 1, skipped: 1, cached: 1, claims: 2, nodes: 2, estimate_s: 2, unknown: 0 };
    expect(planMarkdown({ cells: [cell, skipped], totals })).toBe(`### Benchmarks: the whole plan

| cell | role -> node | claims | estimate | cached | note |
| --- | --- | --- | --- | --- | --- |
| \`demo/conc1\` | \`prefill -> n1\`<br>\`decode -> n2\` | 1 | 2.0 s | yes |  |
| \`demo/conc2\` | \`-\` | 1 | - | - | \`skipped: insufficient_nodes (need 8, have 2)\` |

2 cells · 1 runnable · 1 cached · 1 skipped · 2 claims · about 2.0 s on 2 nodes
`);
  });
});
