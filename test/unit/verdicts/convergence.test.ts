import { describe, expect, it } from 'vitest';
import { evaluateThreshold } from '../../../src/verdicts/evaluate.ts';
import { runOf, seriesOf, threshold } from './tables.ts';

const convergence = (fields: Readonly<Record<string, unknown>> = {}) =>
  threshold('Convergence', { metric: 'loss', target: 2, epsilon: 0.25, ...fields });
const run = (...series: readonly ReturnType<typeof seriesOf>[]) => runOf({ series });
const falling = seriesOf([6, 4, 2.5, 2.125, 1]);

describe('convergence', () => {
  it('takes the point that comes closest to the target', () => {
    expect(evaluateThreshold(convergence(), run(falling))).toEqual({
      kind: 'Convergence',
      metric: 'loss',
      benchmark: 'convergence',
      op: 'within',
      expected: 2,
      actual: 2.125,
      passed: true,
      margin: 0.125,
      n: 5,
      outcome: 'passed',
      detail: 'loss by the end of the run is 2.125, must be within 0.25 of 2 (margin 0.125, n 5); closest at step 4',
      evidence: { file: 'trajectory.parquet' },
    });
  });

  it('counts only the points up to by_step', () => {
    const inTime = evaluateThreshold(convergence({ by_step: 4 }), run(falling));
    const late = evaluateThreshold(convergence({ by_step: 3 }), run(falling));
    expect(inTime).toMatchObject({ passed: true, n: 4 });
    expect(late).toMatchObject({ passed: false, actual: 2.5, margin: -0.25, n: 3 });
    expect(late.detail).toMatch(/^loss by step 3 is 2.5, must be within 0.25 of 2 \(margin -0.25, n 3\)/);
  });

  it('counts seconds from the start of the run', () => {
    const startedLate = runOf({ series: [falling], startedAtMs: 1000 });
    expect(evaluateThreshold(convergence({ by_wallclock_sec: 3 }), startedLate)).toMatchObject({ passed: true, n: 4 });
    expect(evaluateThreshold(convergence({ by_wallclock_sec: 2.9 }), startedLate)).toMatchObject({
      passed: false,
      n: 3,
    });
    const unknown = evaluateThreshold(
      convergence({ by_wallclock_sec: 3 }),
      runOf({ series: [falling], startedAtMs: null }),
    );
    expect(unknown).toMatchObject({ passed: false, outcome: 'no_data' });
  });

  it('with op <=, anything at or below target + epsilon will do', () => {
    const below = evaluateThreshold(convergence({ op: '<=' }), run(falling));
    expect(below).toMatchObject({ op: '<=', expected: 2.25, actual: 1, margin: 1.25, passed: true });
    expect(evaluateThreshold(convergence({ op: '<=' }), run(seriesOf([9, 2.25])))).toMatchObject({
      passed: true,
      margin: 0,
    });
    expect(evaluateThreshold(convergence({ op: '<=' }), run(seriesOf([9, 2.5])))).toMatchObject({
      passed: false,
      margin: -0.25,
    });
  });

  it('passing below the band is not converging to it', () => {
    expect(evaluateThreshold(convergence(), run(seriesOf([6, 1])))).toMatchObject({
      passed: false,
      actual: 1,
      margin: -0.75,
    });
  });

  it('lets the worst of several series count, and names it', () => {
    const slow = seriesOf([6, 5, 4, 3], { host: 'n2', rank: 3 });
    const verdict = evaluateThreshold(convergence(), run(falling, slow, seriesOf([2])));
    expect(verdict).toMatchObject({ passed: false, actual: 3, margin: -0.75, n: 4 });
    expect(verdict.detail).toContain('; closest at step 4; worst of 3 series: worker n2 rank 3');
  });

  it('ignores series of other metrics', () => {
    const other = seriesOf([NaN], { metric: 'grad_norm' });
    expect(evaluateThreshold(convergence(), run(falling, other))).toMatchObject({ passed: true });
  });

  it.each([[NaN], [Infinity]])('fails a run with a %d anywhere, even after it got there', (value) => {
    const verdict = evaluateThreshold(
      convergence({ by_step: 1 }),
      run(seriesOf([2]), seriesOf([2, 2, value, value], { rank: 1 })),
    );
    expect(verdict).toMatchObject({ passed: false, outcome: 'failed', actual: null, margin: null });
    expect(verdict.detail).toBe(
      'loss by step 1 must be within 0.25 of 2: worker n1 rank 1 has 2 values not a number, first at step 3',
    );
  });

  it('has no answer without a series, or with one that starts too late', () => {
    expect(evaluateThreshold(convergence(), run())).toMatchObject({ passed: false, outcome: 'no_data' });
    const late = evaluateThreshold(convergence({ by_step: 0 }), run(falling));
    expect(late).toMatchObject({ passed: false, outcome: 'no_data' });
    expect(late.detail).toBe('loss by step 0 must be within 0.25 of 2: worker n1 has no point in time');
  });
});
