import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { remainingMs } from '../../../../src/vitest/live/eta.ts';

const counted = { forMs: 10_000, from: 0, done: 40, total: 160 };

describe('how long a cell still takes', () => {
  it('is what is left of its usual time', () => {
    expect(remainingMs({ elapsedMs: 20_000, usualMs: 60_000, counted: null })).toBe(40_000);
    expect(remainingMs({ elapsedMs: 20_000, usualMs: 60_000, counted })).toBe(40_000);
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
