import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allocateSum, joinSum } from '../../../../src/adapters/jax-js/all-reduce.ts';
import { waitInTurns } from './wait-in-turns.ts';

/** The same bits, not only equal numbers. */
function bitsOf(values: Float32Array): readonly number[] {
  return [...new Uint32Array(values.buffer, values.byteOffset, values.length)];
}

const finite = fc.float({ noNaN: true, noDefaultInfinity: true });

/** Per round and rank: what it brings, and how many turns late it comes. */
const rounds = fc
  .record({ ranks: fc.integer({ min: 1, max: 4 }), length: fc.integer({ min: 1, max: 5 }) })
  .chain(({ ranks, length }) => {
    const values = fc.array(finite, { minLength: length, maxLength: length }).map((some) => Float32Array.from(some));
    const contribution = fc.record({ values, late: fc.nat(6) });
    const round = fc.array(contribution, { minLength: ranks, maxLength: ranks });
    return fc.record({
      ranks: fc.constant(ranks),
      length: fc.constant(length),
      rounds: fc.array(round, { minLength: 1, maxLength: 5 }),
    });
  });

describe('joinSum', () => {
  it('gives every rank the bits of the sum in the order of ranks, whoever comes first', async () => {
    await fc.assert(
      fc.asyncProperty(rounds, async ({ ranks, length, rounds: all }) => {
        const shared = allocateSum(ranks, length);
        const sumsOf = async (rank: number): Promise<readonly (readonly number[])[]> => {
          const allReduce = joinSum(shared, rank, waitInTurns);
          const sums = [];
          for (const round of all) {
            const { values, late } = round[rank]!;
            for (let turn = 0; turn < late; turn += 1) await setImmediate();
            const own = Float32Array.from(values);
            await allReduce(own);
            sums.push(bitsOf(own));
          }
          return sums;
        };
        const expected = all.map((round) =>
          bitsOf(
            Float32Array.from({ length }, (_, at) => round.map(({ values }) => values[at]!).reduce((a, b) => a + b)),
          ),
        );
        const sums = await Promise.all(Array.from({ length: ranks }, (_, rank) => sumsOf(rank)));
        for (const own of sums) expect(own).toEqual(expected);
      }),
    );
  });

  it('keeps a number that is none', async () => {
    const shared = allocateSum(2, 2);
    const [first, second] = [Float32Array.of(1, Number.NaN), Float32Array.of(2, 3)];
    await Promise.all([joinSum(shared, 0, waitInTurns)(first), joinSum(shared, 1, waitInTurns)(second)]);
    expect([[...first], [...second]]).toEqual([
      [3, Number.NaN],
      [3, Number.NaN],
    ]);
  });

  it('gives nobody a sum before the last one has come', async () => {
    const shared = allocateSum(2, 1);
    let isGiven = false;
    const first = joinSum(shared, 0, waitInTurns)(Float32Array.of(1)).then(() => (isGiven = true));
    for (let turn = 0; turn < 20; turn += 1) await setImmediate();
    expect(isGiven).toBe(false);
    await joinSum(shared, 1, waitInTurns)(Float32Array.of(1));
    expect(await first).toBe(true);
  });

  it('refuses an array of another length', async () => {
    await expect(joinSum(allocateSum(1, 3), 0)(new Float32Array(2))).rejects.toThrow('2 values, and the sum is of 3');
  });
});
