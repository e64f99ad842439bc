import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { benchmarkOf } from '../../../src/config/benchmark.ts';
import { thresholdSchema } from '../../../src/config/threshold.ts';
import { isVacuous } from '../../../src/config/checks/vacuous.ts';

const percentile = { kind: 'Percentile', metric: 'ttft_ms', percentile: 99, op: '<=', value: 50 };
const rate = { kind: 'Rate', metric: 'throughput', per_unit: 'sec', op: '>=', min_rate: 1200 };
const goodput = { kind: 'Goodput', ttft_max_ms: 450, tpot_max_ms: 40, op: '>=', min_qps: 600 };
const convergence = { kind: 'Convergence', metric: 'loss', target: 2.1, epsilon: 0.1 };
const monotonicity = {
  kind: 'Monotonicity',
  metric: 'loss',
  window: 'last_quarter',
  direction: 'non_increasing',
  tolerance: 0.02,
};
const stability = { kind: 'Stability', metric: 'step_time_ms', window_size: 50, max_variance: 25.0 };

describe('thresholdSchema', () => {
  it.each([
    [percentile],
    [
      {
        ...percentile,
        role: 'decode',
        min_samples: 'auto',
        when: { concurrency: 64, isl_osl: 'balanced' },
        benchmark: 'x',
      },
    ],
    [{ ...percentile, percentile: 100, min_samples: 10 }],
    [rate],
    [{ ...rate, per_unit: 'hour', op: '<' }],
    [{ ...goodput, metric_pair: { ttft: 'first_ms', tpot: 'itl_ms' }, e2el_max_ms: 9000 }],
    [convergence],
    [{ ...convergence, by_step: 500, op: '<=' }],
    [{ ...convergence, by_wallclock_sec: 14_400 }],
    [monotonicity],
    [{ ...monotonicity, window: 0.1, direction: 'non_decreasing', tolerance: 0, relative: true, when: { tp: 8 } }],
    [{ ...monotonicity, window: { last_steps: 100 }, benchmark: 'loss_falls' }],
    [stability],
    [{ ...stability, window_size: 2, max_variance: 0 }],
  ])('keeps %j as it is', (input) => {
    expect(thresholdSchema.parse(input)).toEqual(input);
  });

  it('bounds ttft_ms and tpot_ms when a goodput names no columns', () => {
    expect(thresholdSchema.parse(goodput)).toEqual({ ...goodput, metric_pair: { ttft: 'ttft_ms', tpot: 'tpot_ms' } });
  });

  it('lets nothing rise when a monotonicity names no direction', () => {
    const { direction: _, ...rest } = monotonicity;
    expect(thresholdSchema.parse(rest)).toEqual(monotonicity);
  });

  it.each([
    ['an unknown kind', { ...rate, kind: 'Speed' }, ['kind']],
    ['a predicate, which benchmarks have of their own', { kind: 'Predicate', predicate: 'loss_finite' }, ['kind']],
    ['no kind', { metric: 'ttft_ms' }, ['kind']],
    ['a field of another kind', { ...rate, percentile: 99 }, []],
    ['a misspelt field', { ...percentile, vaule: 50 }, []],
    ['an unknown comparison', { ...percentile, op: '=<' }, ['op']],
    ['no direction', { ...rate, op: undefined }, ['op']],
    ['a number in quotes', { ...percentile, value: '50' }, ['value']],
    ['a limit that is not a number', { ...percentile, value: NaN }, ['value']],
    ['an infinite limit', { ...rate, min_rate: Infinity }, ['min_rate']],
    ['the 0th percentile', { ...percentile, percentile: 0 }, ['percentile']],
    ['a percentile above 100', { ...percentile, percentile: 100.1 }, ['percentile']],
    ['half a sample', { ...percentile, min_samples: 0.5 }, ['min_samples']],
    ['a floor for the maximum', { ...percentile, percentile: 100, min_samples: 'auto' }, ['min_samples']],
    ['an unknown unit of time', { ...rate, per_unit: 'day' }, ['per_unit']],
    ['a bound of nothing', { ...goodput, ttft_max_ms: 0 }, ['ttft_max_ms']],
    ['a misspelt pair', { ...goodput, metric_pair: { ttft: 'a', tpop: 'b' } }, ['metric_pair']],
    ['a distance below zero', { ...convergence, epsilon: -0.1 }, ['epsilon']],
    ['two deadlines', { ...convergence, by_step: 5, by_wallclock_sec: 5 }, ['by_wallclock_sec']],
    ['a floor to converge to', { ...convergence, op: '>=' }, ['op']],
    ['no window', { ...monotonicity, window: undefined }, ['window']],
    ['an unknown window', { ...monotonicity, window: 'last_half' }, ['window']],
    ['a window of nothing', { ...monotonicity, window: 0 }, ['window']],
    ['a window of more than the run', { ...monotonicity, window: 1.01 }, ['window']],
    ['a window of one step', { ...monotonicity, window: { last_steps: 1 } }, ['window']],
    ['a misspelt window', { ...monotonicity, window: { last_step: 50 } }, ['window']],
    ['an unknown direction', { ...monotonicity, direction: 'falling' }, ['direction']],
    ['a reversal below zero', { ...monotonicity, tolerance: -0.1 }, ['tolerance']],
    ['a series that may not turn at all by default', { ...monotonicity, tolerance: undefined }, ['tolerance']],
    ['a window of one value', { ...stability, window_size: 1 }, ['window_size']],
    ['half a value', { ...stability, window_size: 50.5 }, ['window_size']],
    ['a variance below zero', { ...stability, max_variance: -1 }, ['max_variance']],
    ['a variance with a direction', { ...stability, op: '>=' }, []],
    ['a selector that is a list', { ...rate, when: { concurrency: [16, 32] } }, ['when', 'concurrency']],
    ['an explicit undefined', { ...percentile, role: undefined }, ['role']],
  ])('refuses %s, at its place', (_, input, path) => {
    const result = thresholdSchema.safeParse(input);
    expect(result.success).toBe(false);
    expect(result.error?.issues.map((issue) => issue.path.slice(0, path.length))).toContainEqual(path);
  });

  it('can be printed as a JSON Schema with one branch per kind', () => {
    const schema = z.toJSONSchema(thresholdSchema, { io: 'input' });
    const kinds = schema.oneOf?.map((branch) => branch.properties?.['kind']);
    expect(kinds).toMatchObject(
      ['Percentile', 'Rate', 'Goodput', 'Convergence', 'Monotonicity', 'Stability'].map((kind) => ({
        type: 'string',
        const: kind,
      })),
    );
  });
});

describe('isVacuous', () => {
  const reason = (input: unknown): string | null => isVacuous(thresholdSchema.parse(input));

  it.each([
    [percentile],
    [{ ...percentile, op: '>=', value: 0.1 }],
    [{ ...percentile, op: '<=', value: 999_999 }],
    [rate],
    [{ ...rate, per_unit: 'hour', op: '<=', min_rate: 1e6 }],
    [goodput],
    [convergence],
    [{ ...convergence, target: 0 }],
    [{ ...convergence, op: '<=', epsilon: 5 }],
    [monotonicity],
    [{ ...monotonicity, tolerance: 0 }],
    [stability],
    [{ ...stability, max_variance: 9e11 }],
  ])('finds that %j can fail', (input) => {
    expect(reason(input)).toBeNull();
  });

  it.each([
    [{ ...percentile, value: 1e6 }, 'no value is above 1000000'],
    [{ ...percentile, op: '>=', value: 0 }, 'every value is at least 0'],
    [{ ...percentile, op: '>', value: -5 }, 'every value is at least 0'],
    [{ ...rate, min_rate: 0 }, 'every value is at least 0'],
    [{ ...rate, op: '<', per_unit: 'min', min_rate: 6e7 }, 'no value is above 1000000'],
    [{ ...goodput, min_qps: -1 }, 'every value is at least 0'],
    [{ ...convergence, epsilon: 2.1 }, 'epsilon 2.1 is as wide as the target 2.1'],
    [{ ...convergence, target: 0, epsilon: 1e6 }, 'no value is above 1000000'],
    [{ ...convergence, op: '<=', target: 1e6 }, 'no value is above 1000000.1'],
    [{ ...monotonicity, tolerance: 1e6 }, 'no value is above 1000000'],
    [{ ...stability, max_variance: 1e12 }, 'no value is above 1000000'],
  ])('finds that %j cannot', (input, why) => {
    expect(reason(input)).toBe(why);
  });
});

describe('the benchmark of a threshold that names none', () => {
  it.each([
    [monotonicity, 'monotonic_loss'],
    [{ ...monotonicity, metric: 'step_time_ms' }, 'monotonic_step_time'],
    [stability, 'step_time_stability'],
    [{ ...stability, metric: 'throughput' }, 'throughput_stability'],
    [{ ...stability, benchmark: 'steady' }, 'steady'],
  ])('of %j is %s', (input, benchmark) => {
    expect(benchmarkOf(thresholdSchema.parse(input))).toBe(benchmark);
  });
});
