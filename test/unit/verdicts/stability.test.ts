import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluateThreshold } from '../../../src/verdicts/evaluate.ts';
import { runOf, samplesOf, seriesOf, threshold } from './tables.ts';

const stability = (fields: Readonly<Record<string, unknown>> = {}) =>
  threshold('Stability', { metric: 'step_time_ms', window_size: 2, max_variance: 1, ...fields });
const timesOf = (values: readonly number[], overrides: Parameters<typeof seriesOf>[1] = {}) =>
  seriesOf(values, { metric: 'step_time_ms', ...overrides });
const run = (...series: readonly ReturnType<typeof seriesOf>[]) => runOf({ series });

/** By the definition, window by window. */
function naiveVariance(values: readonly number[], size: number): number {
  const mean = (some: readonly number[]): number => some.reduce((sum, value) => sum + value, 0) / some.length;
  const variances = values.slice(size - 1).map((_, start) => {
    const window = values.slice(start, start + size);
    const center = mean(window);
    return mean(window.map((value) => (value - center) ** 2));
  });
  return Math.max(...variances);
}

describe('stability', () => {
  it('finds the window that varies most, by its population variance', () => {
    expect(
      evaluateThreshold(stability({ window_size: 4, max_variance: 3 }), run(timesOf([5, 5, 5, 5, 1, 3, 3]))),
    ).toEqual({
      kind: 'Stability',
      metric: 'step_time_ms',
      benchmark: 'step_time_stability',
      op: '<=',
      expected: 3,
      actual: 3,
      passed: true,
      margin: 0,
      n: 7,
      outcome: 'passed',
      detail: 'variance of step_time_ms over 4 values is 3 ms², must be <= 3 ms² (margin 0, n 7); from step 2 to 5',
      evidence: { file: 'trajectory.parquet' },
    });
  });

  it('finds it wherever it is', () => {
    const quiet = Array.from({ length: 23 }, () => 100);
    for (let at = 0; at < quiet.length; at++) {
      const verdict = evaluateThreshold(stability({ window_size: 5 }), run(timesOf(quiet.with(at, 110))));
      expect(verdict).toMatchObject({ passed: false, actual: 16, margin: -15 });
    }
  });

  it('is the same as the definition', () => {
    const values = fc.array(fc.double({ min: -1e3, max: 1e3, noNaN: true }), { minLength: 2, maxLength: 60 });
    fc.assert(
      fc.property(values, fc.integer({ min: 2, max: 60 }), (numbers, size) => {
        fc.pre(size <= numbers.length);
        const expected = naiveVariance(numbers, size);
        const { actual } = evaluateThreshold(stability({ window_size: size }), run(timesOf(numbers)));
        expect(Math.abs(actual! - expected)).toBeLessThanOrEqual(1e-9 * (1 + expected));
      }),
    );
  });

  it.each([[0], [1e9], [-1e9]])('keeps its digits on a mean near %d', (mean) => {
    const far = timesOf([10, 10, 4, 7, 13, 16, 10].map((value) => mean + value));
    expect(evaluateThreshold(stability({ window_size: 4, max_variance: 22.5 }), run(far))).toMatchObject({
      passed: true,
      actual: 22.5,
      margin: 0,
    });
  });

  it('finds nothing in a constant series, however long and large', () => {
    const constant = timesOf(Array.from({ length: 1000 }, () => 0.1 + 1e12));
    expect(evaluateThreshold(stability({ window_size: 7, max_variance: 0 }), run(constant))).toMatchObject({
      passed: true,
      actual: 0,
      margin: 0,
    });
  });

  it('has no unit where the metric has none', () => {
    const { detail } = evaluateThreshold(stability({ metric: 'loss' }), run(seriesOf([1, 3, 3])));
    expect(detail).toContain('variance of loss over 2 values is 1, must be <= 1 (');
  });

  it('lets the worst of several series count, and names it', () => {
    const verdict = evaluateThreshold(
      stability(),
      run(timesOf([1, 1, 1]), timesOf([1, 1, 5, 5], { host: 'n2', rank: 3 }), timesOf([1, 3], { rank: 1 })),
    );
    expect(verdict).toMatchObject({ passed: false, actual: 4, margin: -3, n: 4 });
    expect(verdict.detail).toContain('; from step 2 to 3; worst of 3 series: worker n2 rank 3');
  });

  it.each([[NaN], [Infinity]])('fails a run with a %d anywhere', (value) => {
    const verdict = evaluateThreshold(stability(), run(timesOf([1, 1]), timesOf([1, value, 1, value], { rank: 1 })));
    expect(verdict).toMatchObject({ passed: false, outcome: 'failed', actual: null, margin: null, n: 4 });
    expect(verdict.detail).toContain(': worker n1 rank 1 has 2 values not a number, first at step 2');
  });

  it('does not pass values whose variance is no number, whatever the other series are', () => {
    const [huge, calm] = [timesOf([1e308, -1e308, 1e308]), timesOf([1, 1, 1, 1], { rank: 1 })];
    for (const series of [[huge], [huge, calm], [calm, huge]]) {
      expect(evaluateThreshold(stability(), run(...series))).toMatchObject({ passed: false, outcome: 'no_data' });
    }
  });

  it.each([
    [[], 'has 0 values, and one window takes 3'],
    [[1], 'has 1 value, and one window takes 3'],
    [[1, 1], 'has 2 values, and one window takes 3'],
  ])('cannot tell from %j', (values, reason) => {
    const verdict = evaluateThreshold(stability({ window_size: 3 }), run(timesOf([1, 1, 1]), timesOf(values)));
    expect(verdict).toMatchObject({ passed: false, outcome: 'no_data', actual: null, n: values.length });
    expect(verdict.detail).toContain(`: worker n1 ${reason}`);
  });

  it('has no answer without a series', () => {
    const verdict = evaluateThreshold(stability(), run());
    expect(verdict).toMatchObject({ passed: false, outcome: 'no_data' });
    expect(verdict.detail).toContain(': the run has no series step_time_ms');
  });
});

describe('stability of requests', () => {
  const ttft = (fields: Readonly<Record<string, unknown>> = {}) => stability({ metric: 'ttft_ms', ...fields });
  const requests = (rows: Parameters<typeof samplesOf>[0]) => runOf({ samples: samplesOf(rows) });

  it('takes them in the order in which they arrived', () => {
    const rows = [
      { ts: 30, ttft_ms: 14 },
      { ts: 10, ttft_ms: 10 },
      { ts: 20, ttft_ms: 12 },
    ];
    const verdict = evaluateThreshold(ttft(), requests(rows));
    expect(verdict).toMatchObject({ passed: true, actual: 1, n: 3, evidence: { file: 'samples.parquet' } });
    expect(verdict.detail).toContain('variance of ttft_ms over 2 values is 1 ms², must be <= 1 ms²');
    expect(verdict.detail).toContain('; from request r1 to r2');
  });

  it('leaves out those that failed and those without the metric, and says so', () => {
    const rows = [{ ttft_ms: 10 }, { ttft_ms: 99, ok: false }, { ttft_ms: null }, { ttft_ms: 10 }];
    const verdict = evaluateThreshold(ttft(), requests(rows));
    expect(verdict).toMatchObject({ passed: true, actual: 0, n: 2 });
    expect(verdict.detail).toContain('; 1 of 3 completed requests without ttft_ms left out; 1 of 4 requests failed');
  });

  it.each([
    [[{ ttft_ms: 1, ok: false }], '0 of 1 request completed'],
    [[{ ttft_ms: 1 }, { ttft_ms: null }], 'the run has 1 value, and one window takes 2'],
  ])('cannot tell from %j', (rows, reason) => {
    const verdict = evaluateThreshold(ttft(), requests(rows));
    expect(verdict).toMatchObject({ passed: false, outcome: 'no_data' });
    expect(verdict.detail).toBe(`variance of ttft_ms over 2 values must be <= 1 ms²: ${reason}`);
  });

  it('prefers a series of the same metric', () => {
    const tables = runOf({
      samples: samplesOf([{ ttft_ms: 1 }, { ttft_ms: 9 }]),
      series: [seriesOf([1, 1], { metric: 'ttft_ms' })],
    });
    expect(evaluateThreshold(ttft(), tables)).toMatchObject({ passed: true, evidence: { file: 'trajectory.parquet' } });
  });

  it('does not pass a value that is not finite', () => {
    const rows = [{ ttft_ms: 1 }, { ttft_ms: Infinity }, { ttft_ms: 1 }, { ttft_ms: 1 }];
    expect(evaluateThreshold(ttft(), requests(rows))).toMatchObject({ passed: false, outcome: 'no_data' });
  });
});
