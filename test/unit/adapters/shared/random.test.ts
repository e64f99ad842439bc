import { describe, expect, it } from 'vitest';
import type { Random } from '../../../../src/adapters/shared/random.ts';
import { createRandom, drawGamma, drawInteger } from '../../../../src/adapters/shared/random.ts';

function draws(count: number, draw: () => number): number[] {
  return Array.from({ length: count }, draw);
}

function moments(values: readonly number[]): { mean: number; variance: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return { mean, variance };
}

describe('createRandom', () => {
  it('gives the same numbers for the same seed and label, and others for any other', () => {
    const first = (random: Random): number[] => draws(4, random);
    const reference = first(createRandom(1, 'a'));
    expect(first(createRandom(1, 'a'))).toEqual(reference);
    expect(first(createRandom(2, 'a'))).not.toEqual(reference);
    expect(first(createRandom(1, 'b'))).not.toEqual(reference);
    expect(first(createRandom(-1, 'a'))).not.toEqual(reference);
  });

  it('is uniform in [0, 1)', () => {
    const bins = Array.from({ length: 16 }, () => 0);
    for (const value of draws(160_000, createRandom(3, 'uniform'))) bins[Math.floor(value * 16)]! += 1;
    const chiSquare = bins.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0);
    // 15 degrees of freedom: 37.7 is passed once in a thousand.
    expect(chiSquare).toBeLessThan(37.7);
    expect(bins).toHaveLength(16);
  });
});

describe('drawInteger', () => {
  it('reaches every number below its bound and no other', () => {
    const random = createRandom(4, 'integers');
    expect(new Set(draws(1000, () => drawInteger(random, 7)))).toEqual(new Set([0, 1, 2, 3, 4, 5, 6]));
  });
});

describe('drawGamma', () => {
  it.each([0.1, 0.5, 0.99, 1, 2.5, 40])('has the mean and variance of shape %d', (shape) => {
    const scale = 3;
    const count = 100_000;
    const random = createRandom(5, `gamma/${shape}`);
    const { mean, variance } = moments(draws(count, () => drawGamma(random, shape, scale)));
    // Five standard errors; the fourth central moment of a gamma is (3 + 6/shape) * variance².
    const expectedVariance = shape * scale ** 2;
    expect(Math.abs(mean - shape * scale)).toBeLessThan(5 * Math.sqrt(expectedVariance / count));
    expect(Math.abs(variance - expectedVariance)).toBeLessThan(
      5 * expectedVariance * Math.sqrt((2 + 6 / shape) / count),
    );
  });

  it('is exponential at shape 1', () => {
    const count = 50_000;
    const random = createRandom(6, 'exponential');
    const sorted = draws(count, () => drawGamma(random, 1, 2)).sort((a, b) => a - b);
    const distances = sorted.map((value, rank) => Math.abs(1 - Math.exp(-value / 2) - rank / count));
    // Kolmogorov-Smirnov at p = 0.001.
    expect(Math.max(...distances)).toBeLessThan(1.95 / Math.sqrt(count));
  });
});
