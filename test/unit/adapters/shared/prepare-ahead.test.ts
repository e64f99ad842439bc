import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { prepareAhead } from '../../../../src/adapters/shared/prepare-ahead.ts';

function recorded(count: number, ahead: number) {
  const made: number[] = [];
  const queue = prepareAhead({
    count,
    ahead,
    prepare: (index) => {
      made.push(index);
      return `thing ${index}`;
    },
  });
  return { made, queue };
}

describe('prepareAhead', () => {
  it('makes the first ones at once and one more, later, for each that is taken', async () => {
    const { made, queue } = recorded(5, 2);
    expect(made).toEqual([0, 1]);
    expect(queue.take()).toBe('thing 0');
    expect(made).toEqual([0, 1]);
    await nextTurn();
    expect(made).toEqual([0, 1, 2]);
  });

  it('gives all in order, each made once, however fast they are taken', async () => {
    const { made, queue } = recorded(6, 2);
    const taken = [queue.take(), queue.take(), queue.take(), queue.take()];
    await nextTurn();
    taken.push(queue.take());
    await nextTurn();
    taken.push(queue.take());
    await nextTurn();
    expect(taken).toEqual([0, 1, 2, 3, 4, 5].map((index) => `thing ${index}`));
    expect(made).toEqual([0, 1, 2, 3, 4, 5]);
  });
});
