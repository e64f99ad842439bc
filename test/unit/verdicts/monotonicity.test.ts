import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluateThreshold } from '../../../src/verdicts/evaluate.ts';
import { runOf, seriesOf, threshold } from './tables.ts';

const monotonicity = (fields: Readonly<Record<string, unknown>> = {}) =>
  threshold('Monotonicity', { metric: 'loss', window: 1, tolerance: 0.25, ...fields });
const run = (...series: readonly ReturnType<typeof seriesOf>[]) => runOf({ series });
const wavering = seriesOf([8, 4, 4.5, 2, 2.25, 1, 1.125, 0.5]);

describe('monotonicity', () => {
  it('finds the worst reversal between two adjacent points', () => {
    expect(evaluateThreshold(monotonicity(), run(wavering))).toEqual({
      kind: 'Monotonicity',
      metric: 'loss',
      benchmark: 'monotonic_loss',
      op: '<=',
      expected: 0.25,
      actual: 0.5,
      passed: false,
      margin: -0.25,
      n: 8,
      outcome: 'failed',
      detail: 'worst rise of loss in the whole run is 0.5, must be <= 0.25 (margin -0.25, n 8); from step 2 to 3',
      evidence: { file: 'trajectory.parquet' },
    });
  });

  it('looks at the last quarter of the points', () => {
    const verdict = evaluateThreshold(monotonicity({ window: 'last_quarter' }), run(wavering));
    expect(verdict).toMatchObject({ passed: true, actual: 0, margin: 0.25, n: 2 });
    expect(verdict.detail).toBe(
      'worst rise of loss in the last quarter is 0, must be <= 0.25 (margin 0.25, n 2); no reversal',
    );
  });

  it.each([
    [{ window: 0.5 }, 4, 0.125],
    [{ window: 0.51 }, 5, 0.25],
    [{ window: 0.75 }, 6, 0.25],
    [{ window: { last_steps: 3 } }, 3, 0.125],
    [{ window: { last_steps: 4 } }, 4, 0.125],
    [{ window: { last_steps: 5 } }, 5, 0.25],
    [{ window: { last_steps: 6 } }, 6, 0.25],
    [{ window: { last_steps: 100 } }, 8, 0.5],
  ])('looks at no point before %j', (fields, n, actual) => {
    expect(evaluateThreshold(monotonicity(fields), run(wavering))).toMatchObject({ n, actual });
  });

  it.each([[0.07], [0.14], [0.28], [0.55], [0.56], [0.57]])('takes %d of 100 points, and not one more', (window) => {
    const long = seriesOf(Array.from({ length: 100 }, () => 1));
    expect(evaluateThreshold(monotonicity({ window }), run(long)).n).toBe(Math.round(window * 100));
  });

  it('counts steps, not points, where only some steps are logged', () => {
    const sparse = seriesOf([3, 4, 2, 1], { steps: Float64Array.from([10, 20, 30, 40]) });
    const verdict = evaluateThreshold(monotonicity({ window: { last_steps: 25 } }), run(sparse));
    expect(verdict).toMatchObject({ n: 3, actual: 0 });
    expect(verdict.detail).toContain('worst rise of loss in the last 25 steps is 0');
  });

  it('says in the words of the direction what turned back', () => {
    const rising = seriesOf([1, 3, 2.5, 4], { metric: 'throughput' });
    const asked = monotonicity({ metric: 'throughput', direction: 'non_decreasing', tolerance: 0.5 });
    const verdict = evaluateThreshold(asked, run(rising));
    expect(verdict).toMatchObject({ passed: true, actual: 0.5, margin: 0 });
    expect(verdict.detail).toContain('worst fall of throughput in the whole run is 0.5, must be <= 0.5');
    expect(verdict.detail).toContain('; from step 2 to 3');
  });

  it('takes a relative reversal as a share of the value before it, whatever its sign', () => {
    const relative = monotonicity({ relative: true, tolerance: 0.2, window: 1 });
    const verdict = evaluateThreshold(relative, run(wavering));
    expect(verdict).toMatchObject({ passed: true, actual: 0.125 });
    expect(verdict.detail).toContain('worst relative rise of loss');
    expect(evaluateThreshold(relative, run(seriesOf([-4, -3])))).toMatchObject({ passed: false, actual: 0.25 });
  });

  it('calls no relative reversal from 0 harmless', () => {
    const relative = monotonicity({ relative: true, tolerance: 1000 });
    const verdict = evaluateThreshold(relative, run(seriesOf([1, 0, 0, 0.001])));
    expect(verdict).toMatchObject({ passed: false, outcome: 'no_data', actual: null, n: 4 });
    expect(verdict.detail).toContain('worker n1 turns back from 0 at step 3, and no share of 0 says how far');
    expect(evaluateThreshold(relative, run(seriesOf([0, 0, -1])))).toMatchObject({ passed: true, actual: 0 });
  });

  it('points to the first of equal reversals', () => {
    const verdict = evaluateThreshold(monotonicity(), run(seriesOf([2, 1, 2, 1, 2])));
    expect(verdict.detail).toContain('; from step 2 to 3');
  });

  it('lets the worst of several series count, and names it', () => {
    const steady = seriesOf([2, 1]);
    const jumping = seriesOf([2, 1, 3], { host: 'n2', rank: 5 });
    const verdict = evaluateThreshold(monotonicity(), run(steady, jumping, seriesOf([1, 1.5], { rank: 1 })));
    expect(verdict).toMatchObject({ passed: false, actual: 2, margin: -1.75, n: 3 });
    expect(verdict.detail).toContain('; from step 2 to 3; worst of 3 series: worker n2 rank 5');
  });

  it.each([[NaN], [Infinity]])('fails a run with a %d anywhere, even before the window', (value) => {
    const broken = seriesOf([value, 3, 2, 1, 1, 1, 1, 1]);
    const verdict = evaluateThreshold(monotonicity({ window: 'last_quarter' }), run(broken));
    expect(verdict).toMatchObject({ passed: false, outcome: 'failed', actual: null, margin: null });
    expect(verdict.detail).toBe(
      'worst rise of loss in the last quarter must be <= 0.25: worker n1 has 1 value not a number, first at step 1',
    );
  });

  it.each([
    [[], { window: 1 }, 'has 0 points in the whole run'],
    [[], { window: { last_steps: 9 } }, 'has 0 points in the last 9 steps'],
    [[1], { window: 1 }, 'has 1 point in the whole run'],
    [[4, 3, 2, 1], { window: 'last_quarter' }, 'has 1 point in the last quarter'],
    [[4, 3, 2, 1], { window: 0.1 }, 'has 1 point in the last 10 %'],
  ])('cannot tell from %j with %j', (values, fields, reason) => {
    const verdict = evaluateThreshold(monotonicity(fields), run(seriesOf([2, 1]), seriesOf(values)));
    expect(verdict).toMatchObject({ passed: false, outcome: 'no_data', actual: null });
    expect(verdict.detail).toContain(`: worker n1 ${reason}, and a reversal takes 2`);
  });

  it('has no answer without a series', () => {
    const verdict = evaluateThreshold(monotonicity(), run(seriesOf([2, 1], { metric: 'grad_norm' })));
    expect(verdict).toMatchObject({ passed: false, outcome: 'no_data' });
    expect(verdict.detail).toContain(': the run has no series loss');
  });

  it('is the largest positive difference of adjacent values', () => {
    const values = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 2, maxLength: 50 });
    fc.assert(
      fc.property(values, fc.boolean(), (numbers, isRising) => {
        const direction = isRising ? 'non_decreasing' : 'non_increasing';
        const pairs = numbers.slice(1).map((after, i) => [numbers[i]!, after] as const);
        const expected = Math.max(0, ...pairs.map(([before, after]) => (isRising ? before - after : after - before)));
        const verdict = evaluateThreshold(monotonicity({ direction }), run(seriesOf(numbers)));
        expect(verdict.actual).toBe(expected);
        expect(verdict.passed).toBe(expected <= 0.25);
      }),
    );
  });

  it('never fails a sorted series, nor passes with tolerance 0 one that turns', () => {
    const values = fc.array(fc.integer({ min: -100, max: 100 }), { minLength: 2, maxLength: 50 });
    fc.assert(
      fc.property(values, (numbers) => {
        const strict = monotonicity({ tolerance: 0 });
        const falling = numbers.toSorted((a, b) => b - a);
        expect(evaluateThreshold(strict, run(seriesOf(falling))).passed).toBe(true);
        const isFalling = numbers.every((value, i) => value === falling[i]);
        expect(evaluateThreshold(strict, run(seriesOf(numbers))).passed).toBe(isFalling);
      }),
    );
  });
});
