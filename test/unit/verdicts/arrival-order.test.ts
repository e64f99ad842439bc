import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arrivalOrder } from '../../../src/verdicts/arrival-order.ts';
import { samplesOf } from './tables.ts';

/** When each of some requests arrived, in the order of the file. */
const arrivals: Readonly<Record<string, fc.Arbitrary<readonly number[]>>> = {
  'spread evenly': fc.array(fc.double({ min: 1.7e12, max: 1.7e12 + 6e4, noNaN: true }), { maxLength: 300 }),
  'nearly in order': fc.array(fc.nat(50), { maxLength: 300 }).map((late) => late.map((ms, i) => 10 * i - ms)),
  'at the same moments': fc.array(fc.nat(3), { maxLength: 300 }),
  'all at once but for one': fc.array(fc.nat(99), { minLength: 70, maxLength: 300 }).map((few) => [...few, 1e12]),
  'at any number': fc.array(fc.double({ noNaN: true }), { maxLength: 300 }),
};

describe('arrivalOrder', () => {
  it.each(Object.entries(arrivals))('sorts the completed requests that arrive %s, first come first', (_, drawn) => {
    fc.assert(
      fc.property(drawn, fc.infiniteStream(fc.boolean()), (times, outcomes) => {
        const rows = times.map((ts) => ({ ts, ok: outcomes.next().value === true }));
        const completed = rows.flatMap(({ ok }, row) => (ok ? [row] : []));
        const expected = completed.toSorted((a, b) => compare(times[a] ?? NaN, times[b] ?? NaN));
        expect([...arrivalOrder(samplesOf(rows))]).toEqual(expected);
      }),
    );
  });

  it('is the order of the file where no time of arrival was kept', () => {
    expect([...arrivalOrder(samplesOf([{ ok: true }, { ok: false }, { ok: true }]))]).toEqual([0, 2]);
  });

  it('is found once for the same samples', () => {
    const samples = samplesOf([{ ts: 2 }, { ts: 1 }]);
    expect(arrivalOrder(samples)).toBe(arrivalOrder(samples));
  });
});

function compare(a: number, b: number): number {
  return a < b ? -1 : Number(a > b);
}
