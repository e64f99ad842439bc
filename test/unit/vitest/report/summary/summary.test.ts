import { describe, expect, it } from 'vitest';
import type { Manifest } from '../../../../../src/evidence/manifest.ts';
import { summaryLines } from '../../../../../src/vitest/report/summary/summary.ts';
import { failedClaim, manifest, summary, verdict, widest } from './plain-summary.ts';

describe('summaryLines', () => {
  it('shows the tightest cell of every benchmark, and groups what failed alike', () => {
    const perplexity = {
      metric: 'perplexity',
      benchmark: 'perplexity',
      op: 'within',
      expected: 4.1434,
      actual: 4.14344,
      margin: 0.00396,
    } as const;
    const failure = {
      category: 'setup_failure',
      originated_in_phase: 'launch',
      message: 'port 8000 is taken',
      evidence: ['bind: in use'],
    } as const;
    const failed: Partial<Manifest> = {
      status: 'failed_setup',
      failure: { ...failure, evidence: [...failure.evidence] },
    };
    const missed = verdict({ actual: 60, margin: -10, passed: false, detail: 'ttft_ms p99 is 60 ms' });
    const failedClaims = [
      failedClaim({ cellId: 'conc2', name: 'ttft_p99', folder: 'runs/2', missed }),
      ...['runs/4', 'runs/8'].flatMap((folder) => ['a', 'b', 'c', 'd'].map((name) => failedClaim({ name, folder }))),
    ];
    const lines = summaryLines(
      summary({
        runs: [
          { manifest: manifest({ verdicts: [verdict({}), verdict(perplexity)] }), folder: 'runs/1' },
          {
            manifest: manifest({
              cell_id: 'conc2',
              verdicts: [missed],
              status: 'failed_verification',
              failure: {
                ...failure,
                category: 'verification_failure',
                originated_in_phase: 'verify',
                message: 'ttft_ms p99 is 60 ms',
                evidence: [],
              },
            }),
            folder: 'runs/2',
          },
          { manifest: manifest({ cell_id: 'conc4', ...failed }), folder: 'runs/4' },
          { manifest: manifest({ cell_id: 'conc8', ...failed }), folder: 'runs/8' },
        ],
        benchmarks: new Set(['ttft_p99', 'perplexity']),
        skipped: [
          { testId: 'other', cellId: 'big', reason: 'insufficient_nodes (need 4, have 1)' },
          { testId: 'more', cellId: 'a', reason: 'no_adapter' },
          { testId: 'more', cellId: 'b', reason: 'no_adapter' },
        ],
        notRun: [],
        claims: { passed: 20, failed: failedClaims },
        artifacts: 'runs',
        elapsedMs: 65_000,
      }),
    );
    expect(lines.join('\n')).toMatchInlineSnapshot(`
      "
       Cells, and for each benchmark the one nearest to its bound
         demo   1 passed, 1 failed_verification, 2 failed_setup
           ✗ ttft_p99     60 <= 50 ms             margin -10       conc2
           ✓ perplexity   4.1434 = 4.1434 ± 0.004 margin +0.00396  conc1
         - other   big skipped: insufficient_nodes (need 4, have 1)
         - more   2 cells skipped: no_adapter

       9 claims failed in 2 ways

       ✗ 2 cells   failed_setup in launch, 8 claims
         port 8000 is taken
         | bind: in use
         conc4, conc8
         look closer  less runs/4/events.jsonl
         rerun        npx vitest run -t "demo conc4"

       ✗ conc2   ttft_p99 missed, margin -10 ms
         ttft_ms p99 is 60 ms
         evidence     runs/2
         again        npx assay verify --only-cells demo/conc2
         rerun        npx vitest run -t "ttft_p99 demo conc2"

       20 claims passed · 9 failed · 4 launched · 3 skipped · nothing left running
       1 min 05 s, of which 8.0 s setup · evidence in runs/
      "
    `);
    expect(widest(lines)).toBeLessThanOrEqual(80);
  });

  /** What is said of runs beside their verdicts. */
  const notesOn = (...changes: readonly Partial<Manifest>[]): string => {
    const lines = summaryLines(
      summary({
        runs: changes.map((change, index) => ({ manifest: manifest(change), folder: `runs/${index}` })),
        benchmarks: new Set(),
        skipped: [],
        notRun: [],
        claims: { passed: 48, failed: [] },
        artifacts: 'out/runs',
        elapsedMs: 65_000,
      }),
    );
    expect(widest(lines)).toBeLessThanOrEqual(80);
    return lines.slice(lines.findIndex((line) => line.startsWith('   demo')) + 1).join('\n');
  };

  it('tells what ran on a server of another run, and what waited, within the width of a terminal', () => {
    const launch = { role: 'server', host: 'n1', pid: 1, container: null, argv: [], env: {} };
    const notes = notesOn(
      { launches: [{ ...launch, reused_from: null }], waited_s: 14.2 },
      { launches: [{ ...launch, reused_from: 'first' }] },
      { launches: [{ ...launch, reused_from: 'first' }], waited_s: 2 },
    );
    expect(notes).toMatchInlineSnapshot(`
      "
       48 claims passed · 3 launched (2 on a server that ran already) · 0 skipped
       nothing left running
       1 min 05 s, of which 6.0 s setup · 2 cells waited up to 14 s for nodes
       evidence in out/runs/
      "
    `);
  });

  it('tells a warning once for all the cells that had it', () => {
    const warning = { pattern_id: 'nccl_watchdog', source: 'server.n1', line: '', count: 3, hint: 'look at the ranks' };
    const notes = notesOn(
      ...['a', 'b'].map((cell_id) => ({ cell_id, warnings: [warning] })),
      ...['c', 'd', 'e', 'f'].map((cell_id) => ({ cell_id, warnings: [{ ...warning, source: 'server.n2' }] })),
    );
    expect(notes).toMatchInlineSnapshot(`
      "
       ! a, b   nccl_watchdog in server.n1 x6
         look at the ranks
       ! 4 cells   nccl_watchdog in server.n2 x12
         look at the ranks

       48 claims passed · 6 launched · 0 skipped · nothing left running
       1 min 05 s, of which 12 s setup · evidence in out/runs/
      "
    `);
  });

  it('says loudly where something may be left, and what to do then', () => {
    const unconfirmed = ['n2: no route to host'];
    const teardown = { orphans: null, kept: false, unconfirmed, error: unconfirmed.join() };
    expect(notesOn({ teardown }, { teardown }, {})).toMatchInlineSnapshot(`
      "
       ✗ nobody can say that nothing is left running
         n2: no route to host
         next: make the hosts reachable, then run assay reap out/runs

       48 claims passed · 3 launched · 0 skipped · something may be left running
       1 min 05 s, of which 6.0 s setup · evidence in out/runs/
      "
    `);
  });

  it('tells the cells that a stopped session never came to, even where it ran none', () => {
    const lines = summaryLines(
      summary({
        runs: [],
        benchmarks: new Set(),
        skipped: [],
        notRun: [
          { testId: 'demo', cellId: 'conc2' },
          { testId: 'more', cellId: 'a' },
          { testId: 'more', cellId: 'b' },
        ],
        claims: { passed: 0, failed: [] },
        artifacts: 'runs',
        elapsedMs: 1,
      }),
    );
    expect(lines).toContain('   ■ demo   conc2 not run: the session was stopped first');
    expect(lines).toContain('   ■ more   2 cells not run: the session was stopped first');
    expect(lines.join('\n')).toContain('0 launched · 0 skipped · 3 not run');
  });

  const judgedAgain = { what: 'thresholds', changes: ['ttft_p99 50 -> 90'], verdicts: [] } as const;
  const reusedRun = (change: Partial<Manifest>, again: typeof judgedAgain | null = null) => ({
    manifest: manifest(change),
    folder: 'runs/x',
    judgedAgain: again,
  });

  it('tells why nothing had to be launched, and counts a stored run nowhere else', () => {
    const reused = [
      reusedRun({ verdicts: [verdict({})], waited_s: 14 }, judgedAgain),
      reusedRun({ cell_id: 'conc2', teardown: null }, judgedAgain),
    ];
    const claims = { passed: 48, failed: [] };
    const lines = summaryLines(
      summary({ reuse: 'only', reused, benchmarks: new Set(['ttft_p99']), claims, elapsedMs: 2100 }),
    );
    expect(lines.join('\n')).toMatchInlineSnapshot(`
      "
       Cells, and for each benchmark the one nearest to its bound
         demo   2 passed
           ✓ ttft_p99     20 <= 50 ms             margin +30       conc1

       2 runs re-judged in 2.1 s, nothing launched
         every verdict as before

       48 claims passed · 2 reused · 0 launched · 0 skipped
       2.1 s · evidence in runs/
       nothing had to be launched: no hashed input changed
      "
    `);
  });

  it('tells what was launched for want of a stored run, those for the same reason together', () => {
    const missed = ['a', 'b'].map((cellId) => ({ testId: 'demo', cellId, reason: 'knobs.attention: aiter -> fa' }));
    const runs = missed.map(({ cellId }) => ({ manifest: manifest({ cell_id: cellId }), folder: 'runs/1' }));
    const reused = [
      reusedRun({ cell_id: 'c', status: 'failed_verification' }, judgedAgain),
      reusedRun({ cell_id: 'd' }),
    ];
    const lines = summaryLines(summary({ reuse: 'prefer', runs, reused, missed }));
    expect(lines.join('\n')).toMatchInlineSnapshot(`
      "
       Cells, and for each benchmark the one nearest to its bound
         demo   3 passed, 1 failed_verification
         ● demo   2 cells launched: knobs.attention: aiter -> fa

       No selected claim failed, but 1 cell did, which the exit code does not say

       ✗ c   failed_verification
         look closer  less runs/x/events.jsonl
         rerun        npx vitest run -t "demo c"

       1 run re-judged
         every verdict as before

       0 claims passed · 2 reused · 2 launched · 0 skipped · nothing left running
       0.0 s, of which 4.0 s setup · evidence in runs/
      "
    `);
  });

  it('never says that nothing had to be launched of a session that lacks runs', () => {
    const skipped = [{ testId: 'demo', cellId: 'a', reason: 'not_cached (seed: 1 -> 2)' }];
    const lines = summaryLines(summary({ reuse: 'only', reused: [reusedRun({ cell_id: 'c' })], skipped }));
    expect(lines.join('\n')).not.toContain('nothing had to be');
    expect(lines).toContain('   - demo   a skipped: not_cached (seed: 1 -> 2)');
    expect(lines).toContain(' 1 cell has no stored run: --reuse prefer launches it');
  });

  it('counts the cells of a matrix that have each a reason of their own', () => {
    const skipped = Array.from({ length: 40 }, (_, n) => ({
      testId: 'demo',
      cellId: `conc${n}`,
      reason: `not_cached (no run of this cell, nearest is conc64: params.concurrency: 64 -> ${n})`,
    }));
    const lines = summaryLines(summary({ reuse: 'only', skipped }));
    expect(lines.filter((line) => line.includes('not_cached'))).toHaveLength(12);
    expect(lines).toContain('   - … 28 more skipped');
    expect(lines.join('\n')).toContain(
      ' 0 claims passed · 0 reused · 0 launched · 40 skipped\n 0.0 s · evidence in runs/',
    );
    expect(lines).toContain(' 40 cells have no stored run: --reuse prefer launches them');
  });

  it('shows what an earlier pass ran beside what this one did, and counts it apart', () => {
    const standing = ['conc1', 'conc2'].map((cell_id) => ({
      manifest: manifest({ cell_id, verdicts: [verdict({ margin: 7 })] }),
      folder: `runs/${cell_id}`,
    }));
    const claims = { passed: 48, failed: [] };
    const benchmarks = new Set(['ttft_p99']);
    const idle = summaryLines(summary({ reuse: 'prefer', standing, claims, benchmarks, elapsedMs: 300 }));
    expect(idle.join('\n')).toMatchInlineSnapshot(`
      "
       Cells, and for each benchmark the one nearest to its bound
         demo   2 passed
           ✓ ttft_p99     20 <= 50 ms             margin +7        conc1

       48 claims passed · 0 reused · 0 launched · 2 already run · 0 skipped
       0.3 s · evidence in runs/
       nothing had to be launched: no hashed input changed
      "
    `);
    const runs = [{ manifest: manifest({ cell_id: 'conc4' }), folder: 'runs/conc4' }];
    const busy = summaryLines(summary({ reuse: 'prefer', standing, runs, claims }));
    expect(busy.join('\n')).toContain(
      '48 claims passed · 0 reused · 1 launched · 2 already run · 0 skipped\n nothing left running',
    );
    expect(busy.join('\n')).not.toContain('nothing had to be launched');
  });

  it('shows the configs that failed, of many that it cannot show', () => {
    const runs = Array.from({ length: 30 }, (_, n) => ({
      manifest: manifest({ test_id: `config${n}`, status: n === 29 ? 'failed_setup' : 'passed' }),
      folder: `runs/${n}`,
    }));
    const lines = summaryLines(summary({ runs }));
    expect(lines[2]).toBe('   config29   1 failed_setup');
    expect(lines.filter((line) => line.startsWith('   config'))).toHaveLength(20);
    expect(lines).toContain('   … 10 more configs   10 passed');
  });

  it('promises no benchmarks where cells were skipped alone, and breaks a long reason', () => {
    const reason = 'insufficient_nodes (role server needs 4 nodes with selector mi355x, and the cluster has 1 of them)';
    const lines = summaryLines(summary({ skipped: [{ testId: 'demo', cellId: 'conc1', reason }] }));
    expect(lines.join('\n')).not.toContain('nearest to its bound');
    expect(lines.join(' ').replaceAll(/\s+/g, ' ')).toContain(`conc1 skipped: ${reason}`);
    expect(widest(lines)).toBeLessThanOrEqual(80);
  });

  it('says nothing when there was nothing', () => {
    expect(summaryLines(summary({}))).toEqual([]);
  });
});
