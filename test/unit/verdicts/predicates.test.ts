import { describe, expect, it } from 'vitest';
import type { PredicateName } from '../../../src/config/thresholds/predicate.ts';
import type { Series } from '../../../src/evidence/tables/tables.ts';
import { evaluateThreshold } from '../../../src/verdicts/evaluate.ts';
import { findFailures } from '../../../src/verdicts/predicates/error-rate.ts';
import { findOutage } from '../../../src/verdicts/predicates/health.ts';
import { findNonFinite } from '../../../src/verdicts/predicates/loss-finite.ts';
import { findStraggler } from '../../../src/verdicts/predicates/no-straggler.ts';
import { findImbalance } from '../../../src/verdicts/predicates/router-balance.ts';
import type { RunTables } from '../../../src/verdicts/run-tables.ts';
import { runOf, samplesOf, seriesOf, threshold } from './tables.ts';

const judge = (predicate: PredicateName, tables: Partial<RunTables>) =>
  evaluateThreshold(threshold('Predicate', { predicate }), runOf(tables));

/** `times` over and over. */
const steps = (...times: readonly number[]): readonly number[] =>
  Array.from({ length: 12 }, (_, i) => times[i % times.length]!);

const rank = (number: number, times: readonly number[], metric = 'compute_ms'): Series =>
  seriesOf(times, { metric, rank: number });

describe('loss_finite', () => {
  it('passes a training whose every value is a number, and counts them', () => {
    const series = [seriesOf([3, 2, 1]), seriesOf([9, 8], { metric: 'grad_norm' }), seriesOf([NaN], { metric: 'mfu' })];
    expect(judge('loss_finite', { series })).toEqual({
      kind: 'Predicate',
      metric: 'loss',
      benchmark: 'loss_finite',
      op: '<=',
      expected: 0,
      actual: 0,
      margin: 0,
      passed: true,
      n: 5,
      outcome: 'passed',
      detail: 'number of values of loss and grad_norm that are not finite is 0, must be <= 0 (margin 0, n 5)',
      evidence: { file: 'trajectory.parquet' },
    });
  });

  it('counts what is not finite in any series, and names the first step', () => {
    const series = [
      seriesOf([3, 2, NaN, NaN]),
      seriesOf([9, Infinity], { metric: 'grad_norm', rank: 7 }),
      seriesOf([3, 2, 1], { rank: 1 }),
    ];
    expect(judge('loss_finite', { series })).toMatchObject({ actual: 3, margin: -3, n: 9, outcome: 'failed' });
    expect(judge('loss_finite', { series }).detail).toContain('; first grad_norm of worker n1 rank 7 at step 2');
  });

  it.each([
    ['no series', []],
    ['a grad_norm alone', [seriesOf([1], { metric: 'grad_norm' })]],
    ['a loss without a point', [seriesOf([])]],
  ])('has nothing to say of %s', (_, series) => {
    expect(judge('loss_finite', { series })).toMatchObject({ outcome: 'no_data', actual: null });
  });

  it.each([
    [[], null],
    [[{ metric: 'loss', step: 3, value: 2.5 }], null],
    [[{ metric: 'learning_rate', step: 3, value: NaN }], null],
    [
      [
        { metric: 'loss', step: 3, value: 2.5 },
        { metric: 'grad_norm', step: 3, value: Infinity },
        { metric: 'loss', step: 4, value: NaN },
      ],
      'grad_norm is Infinity at step 3',
    ],
    [[{ metric: 'loss', step: 0, value: NaN }], 'loss is NaN at step 0'],
  ])('of what was just printed, %j: %s', (printed, detail) => {
    expect(findNonFinite(printed)).toBe(detail);
  });
});

describe('no_straggler', () => {
  it('holds the slowest median against that of a usual rank', () => {
    const series = [rank(0, steps(100)), rank(1, steps(98, 102)), rank(2, steps(150, 150, 9000)), rank(3, steps(104))];
    expect(judge('no_straggler', { series })).toMatchObject({
      metric: 'compute_ms',
      actual: 1.5,
      margin: -0.25,
      n: 48,
      outcome: 'failed',
      detail:
        'median compute_ms of the slowest rank over that of a usual one is 1.5, must be <= 1.25 (margin -0.25, n 48); ' +
        'slowest of 4: worker n1 rank 2, 150 ms to 100 ms',
    });
  });

  it('is not misled by single slow steps', () => {
    const series = [rank(0, steps(100)), rank(1, steps(100, 100, 5000))];
    expect(judge('no_straggler', { series })).toMatchObject({ actual: 1, outcome: 'passed' });
  });

  it('tells which of two ranks is slow', () => {
    const series = [rank(0, steps(130)), rank(1, steps(100))];
    expect(judge('no_straggler', { series })).toMatchObject({ actual: 1.3, outcome: 'failed' });
  });

  it('reads the time of whole steps only where no rank says its own work', () => {
    const whole = [rank(0, steps(100), 'step_time_ms'), rank(1, steps(200), 'step_time_ms')];
    expect(judge('no_straggler', { series: whole })).toMatchObject({ metric: 'step_time_ms', actual: 2 });
    const own = [rank(0, steps(10)), rank(1, steps(11))];
    expect(judge('no_straggler', { series: [...whole, ...own] })).toMatchObject({ metric: 'compute_ms', actual: 1.1 });
  });

  it.each<[string, readonly Series[], string, string]>([
    ['no ranks', [], 'no_data', 'the run has 0 ranks with step_time_ms, and a comparison takes 2'],
    ['one rank', [rank(0, steps(1))], 'no_data', 'the run has 1 rank with compute_ms, and a comparison takes 2'],
    [
      'a rank of few steps',
      [rank(0, steps(1)), rank(5, [1, 1, 1, 1])],
      'no_data',
      'rank 5 has 4 steps, and a comparison takes 5',
    ],
    [
      'a time that is no number',
      [rank(0, steps(1)), rank(1, steps(1, NaN))],
      'failed',
      'rank 1 has 6 values not a number',
    ],
    ['times of nothing', [rank(0, steps(0)), rank(1, steps(0))], 'no_data', 'not a finite number'],
  ])('does not pass %s', (...[, series, outcome, reason]) => {
    const verdict = judge('no_straggler', { series });
    expect(verdict).toMatchObject({ outcome, actual: null, detail: expect.stringContaining(reason) });
  });

  it.each([
    ['one rank', [steps(1)], null],
    ['few steps', [steps(1), [9, 9, 9]], null],
    ['five times a usual one', [steps(100), steps(100), steps(500)], null],
    ['more', [steps(100), steps(100), steps(501)], 'rank 2 takes 501 ms a step, and a usual rank 100 ms'],
    ['more, of two', [steps(700), steps(100)], 'rank 0 takes 700 ms a step, and a usual rank 100 ms'],
  ])('in flight, %s', (_, ranks, detail) => {
    expect(findStraggler(ranks.map((timesMs, index) => ({ name: `rank ${index}`, timesMs })))).toBe(detail);
  });
});

describe('router_balance', () => {
  /** Servers of one role with a counter that had counted before the run. */
  const servers = (role: string, ...requests: readonly number[]): readonly Series[] =>
    requests.map((more, i) =>
      seriesOf([50, 50 + more / 2, 50 + more], { metric: 'routed_requests', role, host: `n${i}` }),
    );

  it('judges the role whose requests are dealt out worse', () => {
    const series = [...servers('prefill', 50, 50), ...servers('decode', 10, 90, 20, 0)];
    expect(judge('router_balance', { series })).toMatchObject({
      actual: 3,
      margin: -1.5,
      n: 120,
      outcome: 'failed',
      detail: expect.stringContaining('; decode n1 got 90 of the 120 requests to 4 servers'),
    });
  });

  it('counts what came in during the run alone', () => {
    const series = [...servers('prefill', 100), ...servers('decode', 60, 40)];
    expect(judge('router_balance', { series })).toMatchObject({ actual: 1.2, n: 100, outcome: 'passed' });
  });

  it.each<[string, readonly Series[], string, string]>([
    ['no series', [], 'no_data', 'no routed_requests of role prefill went up'],
    ['one role', servers('prefill', 5, 5), 'no_data', 'no routed_requests of role decode went up'],
    ['no requests', [...servers('prefill', 5), ...servers('decode', 0, 0)], 'no_data', 'of role decode went up'],
    [
      'one look',
      [...servers('prefill', 5), seriesOf([7], { metric: 'routed_requests', role: 'decode' })],
      'no_data',
      'decode n1 has 1 point',
    ],
    [
      'a server that was started anew',
      [...servers('prefill', 5), seriesOf([90, 7], { metric: 'routed_requests', role: 'decode' })],
      'no_data',
      'counts fewer',
    ],
    [
      'a count that is no number',
      [...servers('prefill', 5), seriesOf([1, NaN, 3], { metric: 'routed_requests', role: 'decode' })],
      'failed',
      'decode n1 has 1 value not a number',
    ],
  ])('does not pass %s', (...[, series, outcome, reason]) => {
    const verdict = judge('router_balance', { series });
    expect(verdict).toMatchObject({ outcome, actual: null, detail: expect.stringContaining(reason) });
  });

  it.each([
    ['nothing yet', [], null],
    ['few requests', [39, 0], null],
    ['a server alone', [500], null],
    ['a busy one of two', [95, 5], null],
    ['an idle one of two', [96, 4], 'decode n0 got 96 of the 100 requests to 2 servers'],
    ['three even shares', [30, 20, 20, 30, 0, 0, 0, 0].map((n) => n * 10), null],
    ['more', [1, 4, 0, 0, 1, 1, 1, 1].map((n) => n * 100), 'decode n1 got 400 of the 900 requests to 8 servers'],
  ])('in flight, %s', (_, requests, detail) => {
    const counts = requests.map((n, i) => ({ role: 'decode', server: `decode n${i}`, requests: n }));
    expect(findImbalance([{ role: 'prefill', server: 'prefill p', requests: 100 }, ...counts])).toBe(detail);
  });
});

describe('error_rate', () => {
  const requests = (all: number, failed: number) =>
    samplesOf(Array.from({ length: all }, (_, i) => ({ ok: i >= failed })));

  it.each([
    [100, 1, 0.01, 'passed'],
    [100, 2, 0.02, 'failed'],
    [8, 8, 1, 'failed'],
    [8, 0, 0, 'passed'],
    [0, 0, null, 'no_data'],
  ])('of %d requests of which %d failed is %s: %s', (...[all, failed, actual, outcome]) => {
    expect(judge('error_rate', { samples: requests(all, failed) })).toMatchObject({ actual, outcome, n: all });
  });

  it.each([
    [{ completed: 90, failed: 10 }, 0.1, 'failed'],
    [{ completed: 10, failed: 0 }, 0, 'passed'],
    [{ completed: 0, failed: 0 }, null, 'no_data'],
    [{ completed: 10, failed: null }, null, 'no_data'],
    [{ failed: 0 }, null, 'no_data'],
  ])('without rows, of %j, is %s: %s', (scalars, actual, outcome) => {
    const verdict = judge('error_rate', { scalars });
    expect(verdict).toMatchObject({ actual, outcome, evidence: { file: 'manifest.json' } });
  });

  it.each([
    [9, 9, null],
    [10, 5, null],
    [10, 6, '6 of 10 requests failed'],
  ])('in flight, of %d requests of which %d failed: %s', (finished, failed, detail) => {
    expect(findFailures({ finished, failed })).toBe(detail);
  });
});

describe('health', () => {
  const probes = (host: string, ...values: readonly number[]): Series =>
    seriesOf(values, { metric: 'healthy', role: 'server', host });

  it('is that of the worst server', () => {
    const series = [probes('n1', 1, 1, 1, 1, 1), probes('n2', 1, 1, 0, 0)];
    expect(judge('health', { series })).toMatchObject({
      actual: 0.5,
      n: 4,
      outcome: 'failed',
      detail:
        'share of failed probes is 0.5, must be <= 0 (margin -0.5, n 4); 2 of 4 failed, the first at step 3; ' +
        'worst of 2 series: server n2',
    });
    expect(judge('health', { series: series.slice(0, 1) })).toMatchObject({ actual: 0, n: 5, outcome: 'passed' });
  });

  it.each([
    ['nothing', [], 'no_data'],
    ['a server without a probe', [probes('n1', 1), probes('n2')], 'no_data'],
    ['a probe that is no number', [probes('n1', 1, NaN)], 'failed'],
  ])('does not pass %s', (_, series, outcome) => {
    expect(judge('health', { series })).toMatchObject({ actual: null, outcome });
  });

  it('is not known of a server that was never probed', () => {
    const { detail } = judge('health', { series: [probes('n1', 1), probes('n2')] });
    expect(detail).toBe('share of failed probes must be <= 0: server n2 was never probed');
  });

  it.each([
    [[false, false], null],
    [[true, false, false], null],
    [[true, false, false, false], '3 probes in a row failed'],
    [[false, false, false, true], null],
  ])('in flight, %j: %s', (latest, detail) => {
    expect(findOutage(latest)).toBe(detail);
  });
});
