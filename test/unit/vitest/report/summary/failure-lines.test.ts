import { describe, expect, it } from 'vitest';
import type { Failure } from '../../../../../src/evidence/failure.ts';
import type { Manifest } from '../../../../../src/evidence/manifest.ts';
import { failureLines } from '../../../../../src/vitest/report/summary/failure-lines.ts';
import { failedClaim, manifest, summary, verdict, widest } from './plain-summary.ts';

const failure: Failure = {
  category: 'setup_failure',
  originated_in_phase: 'launch',
  message: 'server on n1 ended with code 1 before it was ready, which is a long sentence for one line',
  evidence: ['bind: address in use'],
};
const LOGS = { 'logs/server.n1.log': { sha256: '', bytes: 1, rows: null } };
const failedRun = (cellId: string, change: Partial<Manifest> = {}) => ({
  manifest: manifest({ cell_id: cellId, status: 'failed_setup', failure, sidecars: LOGS, ...change }),
  folder: `runs/demo/${cellId}`,
});

describe('failureLines', () => {
  it('tells a run that failed once for all its claims and all the cells that failed alike', () => {
    const cells = Array.from({ length: 40 }, (_, n) => `conc${n + 1}`);
    const failed = cells.flatMap((cellId) =>
      Array.from({ length: 13 }, (_, n) => failedClaim({ cellId, name: `claim${n}`, folder: `runs/demo/${cellId}` })),
    );
    const lines = failureLines(
      summary({ runs: cells.map((cellId) => failedRun(cellId)), claims: { passed: 0, failed } }),
    );
    expect(lines.join('\n')).toMatchInlineSnapshot(`
      "
       520 claims failed in 1 way

       ✗ 40 cells   failed_setup in launch, 520 claims
         server on n1 ended with code 1 before it was ready, which is a long sentence
         for one line
         | bind: address in use
         conc1, conc2, conc3, conc4 and 36 more
         look closer  less runs/demo/conc1/logs/*
         rerun        npx vitest run -t "demo conc1""
    `);
    expect(widest(lines)).toBeLessThanOrEqual(80);
  });

  it('tells a missed threshold by its worst cell, and what else a claim found apart from it', () => {
    const missedBy = (cellId: string, margin: number) =>
      failedClaim({
        cellId,
        name: 'ttft_p99',
        folder: `runs/demo/${cellId}`,
        missed: verdict({
          margin,
          source: 'demo.yaml:31',
          detail: `ttft_ms p99 is ${50 - margin} ms, must be <= 50 ms`,
        }),
      });
    const failed = [
      missedBy('conc1', -3),
      missedBy('conc4', -23.4),
      missedBy('conc2', -10),
      failedClaim({ cellId: 'conc4', folder: 'runs/demo/conc4', message: 'expected 2 to be 0\n  - Expected\n  + 2' }),
    ];
    const runs = ['conc1', 'conc2', 'conc4'].map((cellId) =>
      failedRun(cellId, { status: 'failed_verification', failure: { ...failure, category: 'verification_failure' } }),
    );
    const typedBefore = `ASSAY_SET='["seed=2"]' `;
    const lines = failureLines(summary({ runs, claims: { passed: 9, failed }, typedBefore }));
    expect(lines.join('\n')).toMatchInlineSnapshot(`
      "
       4 claims failed in 2 ways

       ✗ 3 cells   ttft_p99 missed, worst margin -23.4 ms
         ttft_ms p99 is 73.4 ms, must be <= 50 ms
         conc4, conc2, conc1
         threshold    demo.yaml:31
         evidence     runs/demo/conc4
         again        ASSAY_SET='["seed=2"]' npx assay verify --only-cells demo/conc4
         rerun        ASSAY_SET='["seed=2"]' npx vitest run -t "ttft_p99 demo conc4"

       ✗ conc4   log_clean failed
         expected 2 to be 0
         evidence     runs/demo/conc4
         rerun        ASSAY_SET='["seed=2"]' npx vitest run -t "log_clean demo conc4""
    `);
  });

  it('tells failed runs that no claim of a slice asks about, and those that say nothing but their status', () => {
    const runs = [
      failedRun('conc1', { sidecars: {} }),
      failedRun('conc2', { status: 'interrupted', failure: null, interruption: 'Ctrl-C' }),
      failedRun('conc4', { status: 'failed_verification', failure: null }),
    ];
    expect(failureLines(summary({ runs })).join('\n')).toMatchInlineSnapshot(`
      "
       No selected claim failed, but 2 cells did, which the exit code does not say

       ✗ conc1   failed_setup in launch
         server on n1 ended with code 1 before it was ready, which is a long sentence
         for one line
         | bind: address in use
         look closer  less runs/demo/conc1/events.jsonl
         rerun        npx vitest run -t "demo conc1"

       ✗ conc2   interrupted
         Ctrl-C
         look closer  less runs/demo/conc2/logs/*
         rerun        npx vitest run -t "demo conc2"

       ✗ conc4   failed_verification
         look closer  less runs/demo/conc4/logs/*
         rerun        npx vitest run -t "demo conc4""
    `);
  });

  it('tells claims without a run by what kept it away, and cells of several configs by both names', () => {
    const message = 'demo/conc1 has no run: the broker was never asked';
    const failed = ['a', 'b', 'c', 'd'].map((name) => failedClaim({ name, folder: null, message }));
    const [first, second] = ['demo', 'other'].map((testId) => failedClaim({ testId, name: 'no_orphans' }));
    const lines = failureLines(summary({ claims: { passed: 0, failed: [...failed, first!, second!] } }));
    expect(lines.join('\n')).toMatchInlineSnapshot(`
      "
       6 claims failed in 2 ways

       ✗ conc1   a, b, c and 1 more failed
         demo/conc1 has no run: the broker was never asked
         rerun        npx vitest run -t "a demo conc1"

       ✗ 2 cells   no_orphans failed
         expected 2 to be +0 // Object.is equality
         demo/conc1, other/conc1
         evidence     runs/1
         rerun        npx vitest run -t "no_orphans demo conc1""
    `);
  });

  it('takes no cell for failed that was called off, and says nothing of the exit code where it is 1', () => {
    const calledOff = failedRun('conc1', { status: 'interrupted', failure: null, interruption: 'Ctrl-C' });
    expect(failureLines(summary({ runs: [calledOff] })).join('\n')).not.toContain('exit code');
    const claims = { passed: 1, failed: [failedClaim()] };
    expect(failureLines(summary({ runs: [failedRun('conc2')], claims })).join('\n')).not.toContain('exit code');
  });

  it('marks where a long message is cut, and keeps whole what kept a run away, at whose end is the next step', () => {
    const message = `demo/conc1 has no run: ${'the lock is held '.repeat(20)}- remove /tmp/lock`;
    const linesOf = (folder: string | null): readonly string[] =>
      failureLines(summary({ claims: { passed: 0, failed: [failedClaim({ folder, message })] } }));
    const judged = linesOf('runs/1');
    expect(judged.slice(4, -2)).toEqual([expect.any(String), expect.any(String), expect.stringMatching(/held.*…$/)]);
    expect(widest(judged)).toBeLessThanOrEqual(80);
    const text = linesOf(null).join(' ').replaceAll(/\s+/g, ' ');
    expect(text).toContain(message);
    expect(text).not.toContain('…');
  });

  it('cuts a long list of ways with their number', () => {
    const failed = Array.from({ length: 30 }, (_, n) => failedClaim({ name: `claim${n}` }));
    const lines = failureLines(summary({ claims: { passed: 0, failed } }));
    expect(lines[1]).toBe(' 30 claims failed in 30 ways');
    expect(lines.at(-1)).toBe(' … and in 18 more ways');
    expect(lines.filter((line) => line.includes('rerun'))).toHaveLength(12);
  });

  it('says nothing where nothing failed', () => {
    const recorded = { manifest: manifest({ status: 'recorded' }), folder: 'runs/1' };
    expect(failureLines(summary({ runs: [recorded] }))).toEqual([]);
  });
});
