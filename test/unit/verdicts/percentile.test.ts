import { describe, expect, it } from 'vitest';
import { evaluateThreshold } from '../../../src/verdicts/evaluate.ts';
import { runOf, samplesOf, threshold } from './tables.ts';
import type { Row } from './tables.ts';

const ttftP99 = threshold('Percentile', { metric: 'ttft_ms', percentile: 99, op: '<=', value: 50 });
const run = (rows: readonly Row[]) => runOf({ samples: samplesOf(rows) });
const ttfts = (values: readonly (number | null)[]): readonly Row[] => values.map((ttft_ms) => ({ ttft_ms }));

describe('a percentile over samples', () => {
  it('gives the whole verdict of a missed ceiling', () => {
    const rows = ttfts(Array.from({ length: 1001 }, (_, i) => i / 10));
    expect(evaluateThreshold(ttftP99, run(rows))).toEqual({
      kind: 'Percentile',
      metric: 'ttft_ms',
      benchmark: 'ttft_p99',
      op: '<=',
      expected: 50,
      actual: 99,
      passed: false,
      margin: -49,
      n: 1001,
      interval: { low: 98.3, high: 99.7, confidence: 0.95 },
      outcome: 'failed',
      detail: 'ttft_ms p99 is 99 ms, must be <= 50 ms (margin -49, 95 % interval 98.3 to 99.7, n 1001)',
      evidence: {
        file: 'samples.parquet',
        worst: [
          { request_id: 'r1000', value: 100 },
          { request_id: 'r999', value: 99.9 },
          { request_id: 'r998', value: 99.8 },
        ],
      },
    });
  });

  it('reads the direction from op: the lowest are the worst under a floor', () => {
    const floor = threshold('Percentile', { metric: 'tokens_per_s', percentile: 10, op: '>=', value: 20 });
    const verdict = evaluateThreshold(floor, run([40, 10, 30, 20, 50].map((tokens_per_s) => ({ tokens_per_s }))));
    expect(verdict).toMatchObject({ actual: 14, margin: -6, passed: false });
    expect(verdict.evidence.worst).toEqual([
      { request_id: 'r1', value: 10 },
      { request_id: 'r3', value: 20 },
      { request_id: 'r2', value: 30 },
    ]);
  });

  it('names the first of several that are equally bad', () => {
    const verdict = evaluateThreshold(ttftP99, run(ttfts([5, 9, 9, 9, 9])));
    expect(verdict.evidence.worst?.map(({ request_id }) => request_id)).toEqual(['r1', 'r2', 'r3']);
  });

  it.each([
    ['<=', true],
    ['>=', true],
    ['<', false],
    ['>', false],
  ])('on the limit itself, %s is met: %s', (op, passed) => {
    const strictness = threshold('Percentile', { metric: 'ttft_ms', percentile: 50, op, value: 7 });
    expect(evaluateThreshold(strictness, run(ttfts([7])))).toMatchObject({ passed, margin: 0 });
  });

  it('looks at one role only when told to', () => {
    const decode = threshold('Percentile', { metric: 'ttft_ms', percentile: 50, op: '<=', value: 50, role: 'decode' });
    const rows = [
      { ttft_ms: 10, role: 'decode' },
      { ttft_ms: 900, role: 'prefill' },
    ];
    expect(evaluateThreshold(decode, run(rows))).toMatchObject({ actual: 10, n: 1, passed: true });
    const missing = evaluateThreshold(decode, run(rows.slice(1)));
    expect(missing).toMatchObject({ outcome: 'no_data', passed: false });
    expect(missing.detail).toBe('ttft_ms p50 of role decode must be <= 50 ms: there are no requests');
  });

  it('leaves out failed requests and says how many', () => {
    const verdict = evaluateThreshold(ttftP99, run([{ ttft_ms: 10 }, { ttft_ms: 0, ok: false }, { ttft_ms: 20 }]));
    expect(verdict).toMatchObject({ actual: 19.9, n: 2, passed: true });
    expect(verdict.detail).toContain('; 1 of 3 requests failed');
  });

  it('leaves out what was not measured and says how many', () => {
    const verdict = evaluateThreshold(ttftP99, run(ttfts([10, null, 30])));
    expect(verdict).toMatchObject({ actual: 29.8, n: 2, passed: true });
    expect(verdict.detail).toContain('; 1 of 3 completed requests without ttft_ms left out');
  });

  it('has no answer when nothing was measured, nothing completed, or a value is infinite', () => {
    const detail = (rows: readonly Row[]): string => {
      const verdict = evaluateThreshold(ttftP99, run(rows));
      expect(verdict).toMatchObject({ outcome: 'no_data', passed: false, actual: null, margin: null });
      return verdict.detail.replace('ttft_ms p99 must be <= 50 ms: ', '');
    };
    expect(detail(ttfts([null, null]))).toBe('no completed request has ttft_ms');
    expect(
      detail([
        { ttft_ms: 0, ok: false },
        { ttft_ms: 0, ok: false },
      ]),
    ).toBe('0 of 2 requests completed');
    expect(detail([])).toBe('there are no requests');
    expect(detail(ttfts([1, -Infinity]))).toBe('some values of ttft_ms are not finite');
    expect(detail([{ e2el_ms: 4 }])).toBe('the samples have no ttft_ms, nor the summary a ttft_p99_ms');
  });
});

describe('itl_ms', () => {
  const itlP50 = threshold('Percentile', { metric: 'itl_ms', percentile: 50, op: '<=', value: 10 });

  it('pools every gap of every completed request', () => {
    const rows = [
      { itl_ms: 100, gaps: [5, 5, 5] },
      { itl_ms: 40, gaps: [40] },
      { itl_ms: null, gaps: [] },
      { itl_ms: 900, gaps: [900, 900, 900, 900, 900], ok: false },
    ];
    const verdict = evaluateThreshold(itlP50, run(rows));
    expect(verdict).toMatchObject({ actual: 5, n: 4, passed: true });
    expect(verdict.detail).toContain('; over 4 gaps of 3 requests; 1 of 4 requests failed');
    expect(verdict.evidence.worst?.[0]).toEqual({ request_id: 'r1', value: 40 });
  });

  it('falls back to the mean of each request and says so', () => {
    const means = evaluateThreshold(itlP50, run([{ itl_ms: 3 }, { itl_ms: 5 }]));
    expect(means).toMatchObject({ actual: 4, n: 2 });
    expect(means.detail).toContain('; over the mean gap of each request');
    const emptyLists = evaluateThreshold(itlP50, run([{ itl_ms: 3, gaps: [] }]));
    expect(emptyLists).toMatchObject({ actual: 3, n: 1 });
  });
});

describe('a percentile from a summary', () => {
  it('uses the scalar of a run without samples and says so', () => {
    const verdict = evaluateThreshold(ttftP99, runOf({ scalars: { ttft_p99_ms: 73.4, completed: 160 } }));
    expect(verdict).toMatchObject({ actual: 73.4, passed: false, n: 160, evidence: { file: 'manifest.json' } });
    expect(verdict.margin).toBeCloseTo(-23.4);
    expect(verdict.detail).toBe(
      "ttft_ms p99 is 73.4 ms, must be <= 50 ms (margin -23.4, n 160); the framework's own ttft_p99_ms: the run has no samples",
    );
  });

  it.each([
    ['tpot_ms', 99.9, 'tpot_p99_9_ms'],
    ['e2el_ms', 50, 'e2el_median_ms'],
    ['e2el_ms', 50, 'e2el_p50_ms'],
    ['queue_depth', 90, 'queue_depth_p90'],
  ])('finds %s p%d under %s', (metric, percentile, name) => {
    const any = threshold('Percentile', { metric, percentile, op: '<=', value: 50 });
    expect(evaluateThreshold(any, runOf({ scalars: { [name]: 7 } }))).toMatchObject({
      actual: 7,
      n: null,
      passed: true,
    });
  });

  it('does not believe the zeros of a run in which nothing completed', () => {
    const verdict = evaluateThreshold(ttftP99, runOf({ scalars: { ttft_p99_ms: 0, completed: 0 } }));
    expect(verdict).toMatchObject({ outcome: 'no_data', passed: false });
    const withRows = runOf({ samples: samplesOf([{ ttft_ms: 0, ok: false }]), scalars: { ttft_p99_ms: 0 } });
    expect(evaluateThreshold(ttftP99, withRows)).toMatchObject({ outcome: 'no_data', passed: false });
  });

  it('has no answer for one role, an unmeasured scalar or one that is not a number', () => {
    const ofRole = threshold('Percentile', { metric: 'ttft_ms', percentile: 99, op: '<=', value: 50, role: 'decode' });
    for (const [asked, scalar] of [
      [ofRole, 7],
      [ttftP99, null],
      [ttftP99, NaN],
    ] as const) {
      const verdict = evaluateThreshold(asked, runOf({ scalars: { ttft_p99_ms: scalar } }));
      expect(verdict).toMatchObject({ outcome: 'no_data', passed: false });
    }
  });
});

describe('min_samples', () => {
  const auto = threshold('Percentile', { metric: 'ttft_ms', percentile: 99, op: '<=', value: 50, min_samples: 'auto' });

  it('auto calls a good p99 insufficient below 662 samples, and passed from there on', () => {
    const few = evaluateThreshold(auto, run(ttfts(Array.from({ length: 661 }, () => 10))));
    expect(few).toMatchObject({ outcome: 'insufficient', passed: false, actual: 10, margin: 40, n: 661 });
    expect(few.detail).toContain('; too few samples for a verdict: 661 of 662');
    expect(evaluateThreshold(auto, run(ttfts(Array.from({ length: 662 }, () => 10))))).toMatchObject({
      outcome: 'passed',
    });
  });

  it('takes a number of your own', () => {
    const five = threshold('Percentile', { metric: 'ttft_ms', percentile: 99, op: '<=', value: 50, min_samples: 5 });
    expect(evaluateThreshold(five, run(ttfts([1, 2, 3, 4])))).toMatchObject({ outcome: 'insufficient' });
    expect(evaluateThreshold(five, run(ttfts([1, 2, 3, 4, 5])))).toMatchObject({ outcome: 'passed' });
  });

  it('is not met by a summary that does not count', () => {
    const verdict = evaluateThreshold(auto, runOf({ scalars: { ttft_p99_ms: 10 } }));
    expect(verdict).toMatchObject({ outcome: 'insufficient', passed: false });
    expect(verdict.detail).toContain('too few samples for a verdict: an unknown number of 662');
  });
});
