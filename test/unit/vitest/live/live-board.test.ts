import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { PlannedCell } from '../../../../src/session/plan.ts';
import { gathered, LiveBoard } from '../../../../src/vitest/live/live-board.ts';
import { plannedCell } from '../planned-cell.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const folder = 'runs/x';

function onNodes(cellId: string, ...nodes: readonly string[]): PlannedCell {
  return { ...plannedCell(cellId), binding: { state: 'bound', hosts: { server: nodes } } } as PlannedCell;
}

function openBoard(cells: readonly PlannedCell[], estimateS: number | null = null) {
  const asked = new Set(cells.map(({ cell }) => cell.key));
  const settled = new Set<string>();
  const board = new LiveBoard({ estimateS: () => estimateS, cells: { asked: () => asked, settled } });
  board.begin(cells);
  return { board, asked, settled };
}

const progressOf = (done: number, unit = 'req') => ({ done, total: 100, unit, rate: '' });

describe('the cells of a session', () => {
  const [a, b, c] = [onNodes('a', 'n1'), onNodes('b', 'n1'), onNodes('c', 'n1', 'n2', 'n3', 'n4', 'n5')];

  it('wait for their nodes until they work, and are done when they have an outcome', () => {
    const { board, asked, settled } = openBoard([a, b, c]);
    expect(board.waiting()).toEqual([
      { what: 'waiting for n1', count: 2 },
      { what: 'waiting for n1 n2 n3 and 2 more', count: 1 },
    ]);
    board.onEvent({ type: 'started', planned: a, folder });
    expect(board.running()).toMatchObject([{ name: 'a', framework: 'demo', phase: 'start', progress: null }]);
    expect(board.waiting()).toMatchObject([{ count: 1 }, { count: 1 }]);
    board.onEvent({ type: 'ended', planned: a, folder, status: 'passed' });
    // Its servers may take a while to go before its outcome is told.
    expect(board.tally()).toEqual({ done: 1, total: 3 });
    expect(board.waiting()).toMatchObject([{ count: 1 }, { count: 1 }]);
    asked.delete(a.cell.key);
    settled.add(a.cell.key);
    expect(board.running()).toEqual([]);
    expect(board.tally()).toEqual({ done: 1, total: 3 });
    // Another file asks again for what is there.
    asked.add(a.cell.key);
    expect(board.waiting()).toMatchObject([{ count: 1 }, { count: 1 }]);
  });

  it('add up: those that work, wait, are done, and those that no claim has asked for yet', () => {
    const { board, asked, settled } = openBoard([a, b, c]);
    const count = (): number =>
      board.running().length + board.tally().done + board.waiting().reduce((sum, { count }) => sum + count, 0);
    asked.delete(a.cell.key);
    asked.delete(b.cell.key);
    expect(board.waiting()).toEqual([
      { what: 'waiting for n1 n2 n3 and 2 more', count: 1 },
      { what: 'to come', count: 2 },
    ]);
    expect(count()).toBe(3);
    board.onEvent({ type: 'started', planned: c, folder });
    expect(count()).toBe(3);
    board.onEvent({ type: 'ended', planned: c, folder, status: 'passed' });
    asked.delete(c.cell.key);
    settled.add(c.cell.key);
    expect(board.waiting()).toEqual([{ what: 'to come', count: 2 }]);
    expect(count()).toBe(3);
  });

  it('of several sessions wait for the same thing in one, and those to come are the last', () => {
    const boards = [openBoard([a, b]), openBoard([c]), openBoard([a])];
    for (const { asked } of boards.slice(0, 2)) asked.clear();
    expect(gathered(boards.flatMap(({ board }) => board.waiting()))).toEqual([
      { what: 'waiting for n1', count: 1 },
      { what: 'to come', count: 3 },
    ]);
  });

  it('wait for what their job host says, and work from the phase on that follows', () => {
    const { board } = openBoard([a], 60);
    board.onEvent({ type: 'started', planned: a, folder });
    board.onEvent({ type: 'waiting', planned: a, what: 'n1 is in use by another session' });
    vi.advanceTimersByTime(30_000);
    expect(board.running()).toEqual([]);
    expect(board.waiting()).toEqual([{ what: 'waiting: n1 is in use by another session', count: 1 }]);
    board.onEvent({ type: 'phase', planned: a, phase: 'prepare' });
    board.onEvent({ type: 'phase', planned: a, phase: 'launch' });
    vi.advanceTimersByTime(10_000);
    expect(board.running()).toMatchObject([{ phase: 'launch', elapsedMs: 10_000, remainingMs: 50_000 }]);
  });

  it('tell how long they still take until their load is over', () => {
    const { board } = openBoard([a], 60);
    board.onEvent({ type: 'started', planned: a, folder });
    board.onEvent({ type: 'phase', planned: a, phase: 'await' });
    expect(board.runningCell(a.cell.key)?.remainingMs).toBe(60_000);
    board.onEvent({ type: 'phase', planned: a, phase: 'teardown' });
    expect(board.runningCell(a.cell.key)?.remainingMs).toBeNull();
    expect(board.runningCell(b.cell.key)).toBeUndefined();
  });

  it('are extrapolated from the moment when counting began, and anew when something else is counted', () => {
    const { board } = openBoard([a]);
    board.onEvent({ type: 'started', planned: a, folder });
    board.onEvent({ type: 'phase', planned: a, phase: 'await' });
    vi.advanceTimersByTime(50_000);
    board.onEvent({ type: 'progress', planned: a, progress: progressOf(10) });
    vi.advanceTimersByTime(10_000);
    board.onEvent({ type: 'progress', planned: a, progress: progressOf(20) });
    expect(board.runningCell(a.cell.key)).toMatchObject({ progress: { done: 20 }, remainingMs: 80_000 });
    board.onEvent({ type: 'progress', planned: a, progress: progressOf(20, 'step') });
    expect(board.runningCell(a.cell.key)?.remainingMs).toBeNull();
    vi.advanceTimersByTime(5_000);
    board.onEvent({ type: 'progress', planned: a, progress: progressOf(5, 'step') });
    vi.advanceTimersByTime(5_000);
    board.onEvent({ type: 'progress', planned: a, progress: progressOf(10, 'step') });
    expect(board.runningCell(a.cell.key)?.remainingMs).toBe(90_000);
  });

  it('keep running over the end of a pass', () => {
    const { board } = openBoard([a, b]);
    board.onEvent({ type: 'started', planned: a, folder });
    board.begin([b]);
    expect(board.running()).toHaveLength(1);
    expect(board.tally()).toEqual({ done: 0, total: 1 });
    board.onEvent({ type: 'ended', planned: a, folder, status: 'passed' });
    board.begin([a, b]);
    expect(board.tally()).toEqual({ done: 0, total: 2 });
  });
});
