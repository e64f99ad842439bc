import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NodeLocks } from '../../../src/session/node-locks.ts';
import type { NodeHold } from '../../../src/session/node-locks.ts';

const hold = fc.record({
  nodes: fc.subarray(['n1', 'n2', 'n3'], { minLength: 1 }),
  isExclusive: fc.boolean(),
});

/** Whether two holds may stand at the same time. */
const agree = (a: NodeHold, b: NodeHold): boolean =>
  (!a.isExclusive && !b.isExclusive) || !a.nodes.some((node) => b.nodes.includes(node));

describe('NodeLocks', () => {
  it('is free for a hold exactly when it agrees with all that are taken', () => {
    fc.assert(
      fc.property(
        fc.array(hold, { maxLength: 8 }),
        fc.array(fc.nat(), { maxLength: 4 }),
        hold,
        (asked, freed, next) => {
          const locks = new NodeLocks();
          const taken: NodeHold[] = [];
          for (const one of asked) {
            if (!locks.isFree(one)) continue;
            locks.take(one);
            taken.push(one);
          }
          for (const pick of freed) {
            const [released] = taken.splice(pick % Math.max(1, taken.length), 1);
            if (released !== undefined) locks.release(released);
          }
          expect(locks.isFree(next)).toBe(taken.every((one) => agree(one, next)));
        },
      ),
    );
  });

  it('tells of free nodes whoever listens, as long as they do', () => {
    const locks = new NodeLocks();
    const told: string[] = [];
    const stop = locks.onRelease(() => told.push('first'));
    locks.onRelease(() => told.push('second'));
    const one = { nodes: ['n1'], isExclusive: true };
    locks.release(one);
    stop();
    locks.release(one);
    expect(told).toEqual(['first', 'second', 'second']);
  });

  it('has copies that are tried out on without a trace', () => {
    const locks = new NodeLocks();
    const one = { nodes: ['n1'], isExclusive: true };
    locks.copy().take(one);
    expect(locks.isFree(one)).toBe(true);
    locks.take(one);
    expect(locks.copy().isFree(one)).toBe(false);
  });
});
