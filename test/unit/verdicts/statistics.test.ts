import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { estimatePercentile, intervalRanks, minimumSamples } from '../../../src/verdicts/statistics.ts';

const value = fc.integer({ min: -1e9, max: 1e9 }).map((thousandths) => thousandths / 1000);
const sample = fc.array(value, { minLength: 1, maxLength: 3000 });
const tied = fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 3000 });
const percent = fc.integer({ min: 1, max: 1000 }).map((permille) => permille / 10);

function percentileOf(values: readonly number[], percentile: number): number {
  return estimatePercentile(Float64Array.from(values), percentile, 0.95).value;
}

describe('estimatePercentile', () => {
  it.each([
    [[7], 99, 7],
    [[10, 20], 50, 15],
    [[4, 1, 3, 2], 50, 2.5],
    [[1, 2, 3, 4, 5], 100, 5],
    [[1, 2, 3, 4, 5], 90, 4.6],
    [Array.from({ length: 101 }, (_, i) => i), 99, 99],
  ])('interpolates linearly: %j at p%d is %d', (values, percentile, expected) => {
    expect(percentileOf(values, percentile)).toBeCloseTo(expected, 12);
  });

  it('stays between the smallest and the largest value', () => {
    fc.assert(
      fc.property(fc.oneof(sample, tied), percent, (values, percentile) => {
        const result = percentileOf(values, percentile);
        const sorted = Float64Array.from(values).sort();
        expect(result).toBeGreaterThanOrEqual(sorted[0]!);
        expect(result).toBeLessThanOrEqual(sorted.at(-1)!);
      }),
    );
  });

  it('rises with the percentile', () => {
    fc.assert(
      fc.property(sample, percent, percent, (values, a, b) => {
        expect(percentileOf(values, Math.min(a, b))).toBeLessThanOrEqual(percentileOf(values, Math.max(a, b)));
      }),
    );
  });

  it('scales with the unit', () => {
    fc.assert(
      fc.property(sample, percent, (values, percentile) => {
        const inOtherUnit = percentileOf(
          values.map((one) => one * 1024),
          percentile,
        );
        expect(inOtherUnit).toBe(percentileOf(values, percentile) * 1024);
      }),
    );
  });

  it('encloses the value in its interval', () => {
    fc.assert(
      fc.property(sample, percent, (values, percentile) => {
        const { value: estimate, interval } = estimatePercentile(Float64Array.from(values), percentile, 0.95);
        expect(interval?.low ?? -Infinity).toBeLessThanOrEqual(estimate);
        expect(interval?.high ?? Infinity).toBeGreaterThanOrEqual(estimate);
      }),
    );
  });
});

describe('intervalRanks', () => {
  // The textbook interval of a median of ten: the second to the ninth value, 97.9 %.
  it('gives the second and the ninth of ten for the median', () => {
    expect(intervalRanks(10, 50, 0.95)).toEqual({ low: 1, high: 8 });
  });

  it('leaves a side open that the sample cannot bound', () => {
    expect(intervalRanks(367, 99, 0.95).high).toBeNull();
    expect(intervalRanks(368, 99, 0.95).high).toBe(367);
    expect(intervalRanks(368, 1, 0.95)).toEqual({ low: 0, high: expect.any(Number) });
    expect(intervalRanks(367, 1, 0.95).low).toBeNull();
    expect(intervalRanks(5, 50, 0.95)).toEqual({ low: null, high: null });
    expect(intervalRanks(1000, 100, 0.95)).toEqual({ low: null, high: null });
  });

  it('agrees with the normal approximation where that is exact enough', () => {
    const { low, high } = intervalRanks(1_000_000, 50, 0.95);
    expect(low).toBeCloseTo(500_000 - 1.959964 * 500, -1);
    expect(high).toBeCloseTo(500_000 + 1.959964 * 500, -1);
  });

  it('covers what it promises, by exact binomial sums', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 99 }), (n, percentile) => {
        const { low, high } = intervalRanks(n, percentile, 0.95);
        const below = (k: number): number => binomialCdf(k, n, percentile / 100);
        // Fewer than low + 1 values lie under the percentile: the low end is above it.
        if (low !== null) expect(below(low)).toBeLessThanOrEqual(0.025 + 1e-12);
        if (high !== null) expect(1 - below(high)).toBeLessThanOrEqual(0.025 + 1e-12);
        // And no tighter pair of ranks would do.
        expect(below((low ?? -1) + 1)).toBeGreaterThan(0.025 - 1e-12);
        expect(1 - below((high ?? n) - 1)).toBeGreaterThan(0.025 - 1e-12);
      }),
    );
  });
});

function binomialCdf(k: number, n: number, p: number): number {
  let sum = 0;
  let choose = 1;
  for (let i = 0; i <= k; i++) {
    sum += choose * p ** i * (1 - p) ** (n - i);
    choose = (choose * (n - i)) / (i + 1);
  }
  return sum;
}

describe('minimumSamples', () => {
  it.each([
    [50, 11],
    [75, 24],
    [90, 64],
    [95, 130],
    [99, 662],
    [99.9, 6636],
  ])('p%d needs %d, as MLPerf publishes', (percentile, floor) => {
    expect(minimumSamples(percentile)).toBe(floor);
  });

  it('asks as much of a low percentile as of the high one that mirrors it', () => {
    expect(minimumSamples(1)).toBe(662);
    expect(minimumSamples(5)).toBe(130);
  });

  it('asks more for more confidence, and has no answer for the maximum', () => {
    expect(minimumSamples(99, 0.999)).toBeGreaterThan(662);
    expect(minimumSamples(100)).toBe(Infinity);
  });
});
