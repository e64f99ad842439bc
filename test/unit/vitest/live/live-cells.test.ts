import { describe, expect, it } from 'vitest';
import { NOT_RUN } from '../../../../src/session/scheduler.ts';
import { describeLive, LiveCells } from '../../../../src/vitest/live/live-cells.ts';
import { plannedCell } from '../planned-cell.ts';

const planned = plannedCell('conc1');
const { key } = planned.cell;
const folder = 'runs/x';

function pending() {
  let settle: (value: string) => void = () => undefined;
  const promise = new Promise<string>((resolve) => {
    settle = resolve;
  });
  return { promise, settle };
}

describe('LiveCells', () => {
  it('is busy from the first request to the last outcome', async () => {
    const cells = new LiveCells(() => undefined);
    const [first, second] = [pending(), pending()];
    const outcomes = [cells.track(key, () => first.promise), cells.track(key, () => second.promise)];
    expect(cells.isBusy).toBe(true);
    first.settle('a');
    expect(await outcomes[0]).toBe('a');
    expect(cells.isBusy).toBe(true);
    second.settle('b');
    await outcomes[1];
    expect(cells.isBusy).toBe(false);
  });

  it('knows which cells are asked for, and which had an outcome in this pass', async () => {
    const cells = new LiveCells(() => undefined);
    const { promise, settle } = pending();
    const outcome = cells.track(key, () => promise);
    expect([...cells.asked()]).toEqual([key]);
    expect([...cells.settled]).toEqual([]);
    settle('a');
    await outcome;
    expect([...cells.asked()]).toEqual([]);
    expect([...cells.settled]).toEqual([key]);
    cells.beginPass();
    expect([...cells.settled]).toEqual([]);
  });

  it('does not count a cell as settled whose turn never came', async () => {
    const cells = new LiveCells(() => undefined);
    expect(await cells.track(key, async () => NOT_RUN)).toBe(NOT_RUN);
    expect(cells.isBusy).toBe(false);
    expect([...cells.settled]).toEqual([]);
  });

  it('is busy no more when a request fails, even at once', async () => {
    const cells = new LiveCells(() => undefined);
    const failed = cells.track(key, () => {
      throw new Error('on no node');
    });
    await expect(failed).rejects.toThrow('on no node');
    expect(cells.isBusy).toBe(false);
  });

  it('knows how far a cell has come, and forgets one that ended or was given up', async () => {
    const cells = new LiveCells(() => undefined);
    const stages = () => cells.list().map(({ name, stage }) => `${name} ${stage}`);
    const { promise, settle } = pending();
    const outcome = cells.track(key, () => promise);
    expect(stages()).toEqual([]);
    cells.onEvent({ type: 'missed', planned, miss: { reason: 'seed: 1 -> 2', nearest: null }, skip: null });
    expect(stages()).toEqual([]);
    cells.onEvent({ type: 'waiting', planned, what: 'n1 is held' });
    expect(stages()).toEqual(['conc1 waiting']);
    cells.onEvent({ type: 'started', planned, folder });
    expect(stages()).toEqual(['conc1 start']);
    cells.onEvent({ type: 'phase', planned, phase: 'launch' });
    expect(stages()).toEqual(['conc1 launch']);
    cells.onEvent({ type: 'ended', planned, folder, status: 'passed' });
    expect(stages()).toEqual([]);
    cells.onEvent({ type: 'waiting', planned, what: 'n1 is held' });
    settle('not run');
    await outcome;
    expect(stages()).toEqual([]);
  });
});

describe('describeLive', () => {
  it('names a few, with whole seconds', () => {
    const cell = (name: string, forMs: number) => ({ name, stage: 'await', forMs });
    expect(describeLive([cell('a', 3900), cell('b', 12_300), cell('c', 185_000)])).toBe(
      'a (await, 3 s), b (await, 12 s), c (await, 3 min 05 s)',
    );
    const many = Array.from({ length: 9 }, (_, index) => cell(`c${index}`, 0));
    expect(describeLive(many)).toMatch(/^c0 \(await, 0 s\), .*c5 \(await, 0 s\), 3 more$/);
  });
});
