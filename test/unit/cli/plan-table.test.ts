import { describe, expect, it } from 'vitest';
import { planTable } from '../../../src/cli/plan-table.ts';
import type { PlanTotals, ReportedCell } from '../../../src/session/plan-report.ts';

const HASH = `sha256:${'0'.repeat(64)}` as const;

const cell = (id: string, change: Partial<ReportedCell> = {}): ReportedCell => ({
  id,
  test_id: 'llama_pd',
  config: 'configs/llama_pd.yaml',
  framework: 'sglang_disagg',
  model: 'llama',
  target_gpu: 'mi300x',
  tags: [],
  axes: {},
  bindings: { server: ['n1'] },
  status: 'runnable',
  reason: null,
  claims: Array.from({ length: 17 }, () => ({ name: 'started', tier: 1, file: 'suites/logistics/started.test.ts' })),
  estimate_s: 840,
  cached: null,
  workload_hash: HASH,
  verification_hash: HASH,
  experiment_id: '',
  bracket: '',
  ...change,
});

const skipped = (id: string, reason: string, change: Partial<ReportedCell> = {}) =>
  cell(id, { bindings: {}, status: 'skipped', reason, estimate_s: null, ...change });

const totals: PlanTotals = {
  cells: 12,
  runnable: 8,
  skipped: 4,
  cached: 0,
  claims: 136,
  nodes: 4,
  estimate_s: 6600,
  unknown: 0,
};

const table = (cells: readonly ReportedCell[], change: Partial<PlanTotals> = {}) =>
  `\n${planTable({ cells, totals: { ...totals, ...change } })}`;

describe('planTable', () => {
  it('shows who plays which role, what is judged, how long it took, and why not', () => {
    const prefill = { prefill: ['n1', 'n2'], decode: ['n3', 'n4'] };
    expect(
      table([
        cell('2p2d-conc32', { bindings: prefill, cached: 'a' }),
        cell('1p3d-conc32', { bindings: { prefill: ['n1'], decode: ['n2', 'n3', 'n4'] }, estimate_s: null }),
        skipped('4p4d-conc32', 'insufficient_nodes (need 8, have 4)'),
        skipped('4p4d-conc64', 'insufficient_nodes (need 8, have 4)'),
        cell('default', {
          test_id: 'byte_llama_with_a_long_name',
          config: 'configs/inference/llama_cpp/byte_llama.yaml',
          bindings: { server: ['n1', 'n2', 'n3', 'n4', 'n5', 'n6', 'n7', 'n8'] },
          workload_hash: null,
          estimate_s: null,
        }),
      ]),
    ).toMatchInlineSnapshot(`
      "
       cell         role -> node           claims  estimate     cached  note

       llama_pd · sglang_disagg · llama · mi300x · 4 cells · configs/llama_pd.yaml
       2p2d-conc32  prefill -> n1 n2       17      14 min 00 s  yes
                    decode  -> n3 n4
       1p3d-conc32  prefill -> n1          17      -            -       never run here
                    decode  -> n2 n3 n4
       4p4d-conc32  -                      17      -            -
         skipped: insufficient_nodes (need 8, have 4)
       4p4d-conc64  -                      17      -            -       skipped, same

       byte_llama_with_a_long_name · sglang_disagg · llama · mi300x
         1 cell · configs/inference/llama_cpp/byte_llama.yaml
       default      server -> n1 n2 n3 +5  17      -            -       image digest pending

       12 cells · 8 runnable · 4 skipped · 136 claims · about 1 h 50 min on 4 nodes
      "
    `);
  });

  it('shows the first of many cells that are alike, and all where something differs', () => {
    const many = (count: number, prefix: string, change: Partial<ReportedCell> = {}) =>
      Array.from({ length: count }, (_, index) => cell(`${prefix}${index}`, { estimate_s: index + 1, ...change }));
    const short = table([...many(40, 'a'), ...many(40, 'b', { estimate_s: null })]);
    expect(short.match(/^ [ab]\d+ /gm)).toHaveLength(80);
    expect(short).not.toContain('more like these');
    const long = table([...many(400, 'a'), ...many(1, 'b', { bindings: { server: ['n2'] } }), ...many(41, 'c')]);
    expect(long.split('\n').filter((line) => /^ (?:a0|a19|a20|b0|c19|c20|\.\.\.) /.test(line))).toEqual([
      ' a0    server -> n1  17      1.0 s     -',
      ' a19   server -> n1  17      20 s      -',
      ' ... 380 more like these (--json lists all)',
      ' b0    server -> n2  17      1.0 s     -',
      ' c19   server -> n1  17      20 s      -',
      ' ... 21 more like these (--json lists all)',
    ]);
  });

  it('fits into 80 columns where names allow it, and keeps columns apart where they do not', () => {
    const reason = `no_matching_node (no node has the label mi300x; labels here: ${'cpu, '.repeat(12)}mi355x)`;
    const lines = table([skipped('a-cell-with-a-name-of-its-own-conc16', reason)]).split('\n');
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(80);
    expect(lines.join(' ').replaceAll(/\s+/g, ' ')).toContain(`-conc16 - 17 - - skipped: ${reason}`);
  });

  it.each<[Partial<PlanTotals>, string]>([
    [{}, '12 cells · 8 runnable · 4 skipped · 136 claims · about 1 h 50 min on 4 nodes'],
    [{ cached: 3 }, '12 cells · 8 runnable · 3 cached · 4 skipped · 136 claims · about 1 h 50 min on 4 nodes'],
    [{ estimate_s: null, unknown: 8 }, '136 claims · no estimate yet, on 4 nodes'],
    [{ estimate_s: 60, unknown: 1, nodes: 1 }, 'at least 1 min 00 s on 1 node, 1 cell without an estimate'],
    [{ runnable: 0, skipped: 12, nodes: 0, estimate_s: null }, '12 cells · 0 runnable · 12 skipped · 136 claims'],
  ])('ends with what it comes to: %j', (change, end) => {
    const text = table([cell('a')], change).replaceAll(/\s+/g, ' ');
    expect(text.trim().endsWith(end)).toBe(true);
  });
});
