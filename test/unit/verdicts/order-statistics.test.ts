import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { orderStatistics } from '../../../src/verdicts/order-statistics.ts';

const value = fc.integer({ min: -1e9, max: 1e9 }).map((thousandths) => thousandths / 1000);
const sample = fc.array(value, { minLength: 1, maxLength: 3000 });
const tied = fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 3000 });

/** As many values as are not simply sorted, by a rule and a seed: drawn one by one they would take long. */
const shapes: Readonly<Record<string, (random: number, index: number) => number>> = {
  even: (random) => random,
  'with a tail': (random) => -Math.log(1 - random),
  'of few kinds': (random) => Math.floor(random * 5),
  'all equal': () => 7,
  'far out, some of them': (random) => (random < 0.001 ? 1e12 * (random - 0.0005) : random * 1e-9),
  'infinite, some of them': (random) => (random < 0.01 ? Infinity : random > 0.99 ? -Infinity : random),
  rhythmic: (_, index) => index % 97,
  falling: (_, index) => -index,
};
const many = fc
  .record({
    shape: fc.constantFrom(...Object.keys(shapes)),
    length: fc.integer({ min: 8192, max: 20_000 }),
    seed: fc.nat(),
  })
  .map(({ shape, length, seed }) => Float64Array.from({ length }, (_, i) => shapes[shape]!(randomAt(seed + i), i)));

/** A number from 0 up to 1 that looks like chance. */
function randomAt(index: number): number {
  let bits = Math.imul(index ^ (index >>> 15), 0x2c1b_3c6d);
  bits = Math.imul(bits ^ (bits >>> 12), 0x297a_2d39);
  return ((bits ^ (bits >>> 15)) >>> 0) / 2 ** 32;
}

function sortedAt(values: Float64Array, ranks: readonly number[]): readonly (number | undefined)[] {
  const sorted = values.toSorted();
  return ranks.map((rank) => sorted[rank]);
}

describe('orderStatistics', () => {
  it('finds any ranks, as sorting would', () => {
    fc.assert(
      fc.property(fc.oneof(sample, tied), fc.array(fc.nat(), { minLength: 1, maxLength: 5 }), (values, picks) => {
        const ranks = picks.map((pick) => pick % values.length);
        const sorted = Float64Array.from(values).sort();
        expect(orderStatistics(Float64Array.from(values), ranks)).toEqual(ranks.map((rank) => sorted[rank]));
      }),
    );
  });

  it('finds ranks that are close together among many values', () => {
    const close = fc.array(fc.nat(200), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(many, fc.double({ min: 0, max: 1, noNaN: true }), close, (values, place, steps) => {
        const first = Math.floor(place * (values.length - 201));
        const ranks = steps.map((step) => first + step);
        const expected = sortedAt(values, ranks);
        expect(orderStatistics(values, ranks)).toEqual(expected);
      }),
      { numRuns: 40 },
    );
  });

  it('finds a rank that a sample says nothing about', () => {
    const read: number[] = [];
    const blank = new Float64Array(10_000);
    const watched = new Proxy(blank, {
      get(target, key) {
        if (typeof key === 'string' && /^\d+$/.test(key)) read.push(Number(key));
        const found: unknown = Reflect.get(target, key, target);
        return typeof found === 'function' ? (found.bind(target) as unknown) : found;
      },
    });
    orderStatistics(watched, [5000]);
    // The sample comes first, and its places rise; then all values are read.
    const sampled = read.slice(
      0,
      read.findIndex((index, i) => index < (read[i - 1] ?? 0)),
    );
    expect(sampled.length).toBeLessThan(1000);
    for (const index of sampled) blank[index] = 1;
    expect(orderStatistics(blank, [5000])).toEqual([0]);
  });

  it.each([
    ['rising', (i: number) => i],
    ['falling', (i: number) => -i],
    ['rising, then falling', (i: number) => Math.min(i, 20_000 - i)],
    ['alternating', (i: number) => (i % 2) * i],
    ['all equal', () => 7],
  ])('copes with %s values', (_, valueAt) => {
    const values = Float64Array.from({ length: 20_000 }, (_unused, i) => valueAt(i));
    const sorted = values.slice().sort();
    expect(orderStatistics(values, [0, 9_999, 10_000, 19_999])).toEqual(
      [0, 9_999, 10_000, 19_999].map((i) => sorted[i]),
    );
  });
});
