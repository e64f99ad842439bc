import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { remainingMs } from '../../../../src/vitest/live/eta.ts';

const counted = { forMs: 10_000, from: 0, done: 40, total: 160 };

describe('how long a cell still takes', () => {
  it('is what is left of its usual time', () => {
    expect(remainingMs({ elapsedMs: 20_000, usualMs: 60_000, counted: null })).toBe(40_000);
    expect(remainingMs({ elapsedMs: 20_000, usualMs: 60_000, counted: { ...counted, forMs: 300 } })).toBe(40_000);
  });

  it('leans on what was counted the more of it is done, and the less is left of the usual time', () => {
    const left = (elapsedMs: number, done: number) =>
      remainingMs({ elapsedMs, usualMs: 60_000, counted: { forMs: done * 250, from: 0, done, total: 160 } });
    // A quarter is done in a third of the usual time: 40 s are left by that, 30 s by the rate.
    expect(left(20_000, 40)).toBeCloseTo((0.5 * 40_000 + 0.25 * 30_000) / 0.75, 6);
    // The usual time has just run out: as if nobody knew it.
    expect(left(59_999.999, 40)).toBeCloseTo(30_000, 0);
    expect(left(60_001, 40)).toBe(30_000);
  });

  it('lies between what earlier runs and what the rate say', () => {
    const count = fc.integer({ min: 1, max: 1e6 });
    const ms = fc.integer({ min: 2000, max: 1e6 });
    fc.assert(
      fc.property(fc.record({ usedMs: ms, aheadMs: ms, forMs: ms, done: count, todo: count }), (some) => {
        const { usedMs, aheadMs, forMs, done, todo } = some;
        const work = { forMs, from: 0, done, total: done + todo };
        const pace = { elapsedMs: usedMs, usualMs: usedMs + aheadMs };
        const rate = remainingMs({ ...pace, usualMs: null, counted: work });
        fc.pre(rate !== null);
        const [low = 0, high = 0] = [aheadMs, rate ?? 0].toSorted((a, b) => a - b);
        const left = remainingMs({ ...pace, counted: work }) ?? NaN;
        expect(left).toBeGreaterThanOrEqual(low * (1 - 1e-9));
        expect(left).toBeLessThanOrEqual(high * (1 + 1e-9));
      }),
    );
  });

  it('is extrapolated from what was counted where no earlier run tells, or none like this', () => {
    expect(remainingMs({ elapsedMs: 70_000, usualMs: null, counted })).toBe(30_000);
    expect(remainingMs({ elapsedMs: 70_000, usualMs: 60_000, counted })).toBe(30_000);
    // Only what was done since counting began tells the rate.
    expect(remainingMs({ elapsedMs: 70_000, usualMs: null, counted: { ...counted, from: 20 } })).toBe(60_000);
  });

  it.each([
    { name: 'nothing is known', usualMs: null, counted: null },
    { name: 'it is overdue', usualMs: 60_000, counted: null },
    { name: 'nothing was done since counting began', usualMs: null, counted: { ...counted, from: 40 } },
    { name: 'all is done', usualMs: null, counted: { ...counted, done: 160 } },
    { name: 'more is done than there is', usualMs: null, counted: { ...counted, done: 170 } },
    { name: 'counting has just begun', usualMs: null, counted: { ...counted, forMs: 300 } },
    { name: 'it would be years', usualMs: null, counted: { ...counted, done: 1, total: 1e9 } },
  ])('is not said when $name', ({ usualMs, counted: work }) => {
    expect(remainingMs({ elapsedMs: 70_000, usualMs, counted: work })).toBeNull();
  });

  it('is a time to come or nothing, whatever is told', () => {
    const anyNumber = fc.oneof(fc.double(), fc.integer());
    const anyCount = fc.record({ forMs: anyNumber, from: anyNumber, done: anyNumber, total: anyNumber });
    const anyPace = fc.record({
      elapsedMs: anyNumber,
      usualMs: fc.option(anyNumber),
      counted: fc.option(anyCount),
    });
    fc.assert(
      fc.property(anyPace, (pace) => {
        const left = remainingMs(pace);
        expect(left === null || (left > 0 && Number.isFinite(left))).toBe(true);
      }),
    );
  });

  it('shrinks as the work gets on at its rate', () => {
    fc.assert(
      fc.property(fc.integer({ min: 10, max: 1000 }), fc.integer({ min: 1, max: 8 }), (total, tenth) => {
        const at = (share: number) => ({ forMs: share * 10_000, from: 0, done: (share * total) / 10, total });
        const left = (share: number) => remainingMs({ elapsedMs: 0, usualMs: null, counted: at(share) });
        expect(left(tenth)).toBeCloseTo((10 - tenth) * 10_000, 3);
      }),
    );
  });
});
