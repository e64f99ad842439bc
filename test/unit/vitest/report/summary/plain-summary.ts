import type { Manifest } from '../../../../../src/evidence/manifest.ts';
import type { Verdict } from '../../../../../src/evidence/verdict.ts';
import type { FailedClaim, PassSummary } from '../../../../../src/vitest/report/summary/pass-summary.ts';

/** A verdict on the latency of the first token that passed, with what a test says instead. */
export const verdict = (change: Partial<Verdict> = {}): Verdict => ({
  kind: 'Percentile',
  metric: 'ttft_ms',
  benchmark: 'ttft_p99',
  op: '<=',
  expected: 50,
  actual: 20,
  passed: true,
  margin: 30,
  n: 100,
  outcome: 'passed',
  detail: '',
  evidence: { file: 'samples.parquet' },
  ...change,
});

/** As much of a manifest as a summary looks at: a run that passed, with what a test says instead. */
export const manifest = (change: Partial<Manifest> = {}) =>
  ({
    test_id: 'demo',
    cell_id: 'conc1',
    status: 'passed',
    failure: null,
    verdicts: [],
    phases: { prepare: { duration_s: 0.5 }, launch: { duration_s: 1.5 } },
    interruption: null,
    teardown: { orphans: 0, kept: false, unconfirmed: [], error: null },
    launches: [],
    waited_s: 0.2,
    warnings: [],
    sidecars: {},
    ...change,
  }) as Manifest;

/** A summary of nothing, with what a test says instead. */
export const summary = (change: Partial<PassSummary> = {}): PassSummary => ({
  runs: [],
  reuse: 'off',
  reused: [],
  standing: [],
  missed: [],
  benchmarks: new Set(),
  skipped: [],
  notRun: [],
  notJudged: 0,
  claims: { passed: 0, failed: [] },
  lost: [],
  typedBefore: '',
  typedSelection: '',
  artifacts: 'runs',
  elapsedMs: 1,
  ...change,
});

/** A claim that failed on the run in `runs/1`, with what a test says instead. */
export const failedClaim = (change: Partial<FailedClaim> = {}): FailedClaim => ({
  testId: 'demo',
  cellId: 'conc1',
  name: 'log_clean',
  folder: 'runs/1',
  missed: null,
  message: 'expected 2 to be +0 // Object.is equality',
  ...change,
});

/** The longest of some lines that no path is in. */
export const widest = (lines: readonly string[]): number =>
  Math.max(...lines.filter((line) => !line.includes('runs/')).map(({ length }) => length));
