import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { SessionEvent } from '../../../../src/session/events.ts';
import { LiveBoard } from '../../../../src/vitest/live/live-board.ts';
import { PlainProgress } from '../../../../src/vitest/live/plain-progress.ts';
import { plannedCell } from '../planned-cell.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const planned = plannedCell('conc1');
const other = plannedCell('conc2');
const folder = 'runs/x';

function open() {
  const lines: string[] = [];
  const board = new LiveBoard({ estimateS: () => null, cells: { asked: () => [], settled: new Set() } });
  const print = (line: string): void => void lines.push(line.replaceAll(/ +/g, ' '));
  const plain = new PlainProgress(board, { print, columns: () => Infinity });
  plain.start();
  const happens = (...events: readonly SessionEvent[]): void => {
    for (const event of events) {
      board.onEvent(event);
      plain.onEvent(event);
    }
  };
  return { lines, plain, happens };
}

describe('cells without a terminal', () => {
  it('are told of when a long phase begins, every ten seconds at first, and more rarely later', () => {
    const { lines, happens } = open();
    happens({ type: 'started', planned, folder });
    for (const phase of ['prepare', 'launch', 'await'] as const) happens({ type: 'phase', planned, phase });
    expect(lines).toEqual([' ● conc1 launch demo', ' ● conc1 await']);
    vi.advanceTimersByTime(60_000);
    expect(lines.splice(0)).toHaveLength(2 + 5);
    vi.advanceTimersByTime(540_000);
    expect(lines.splice(0)).toHaveLength(18);
    vi.advanceTimersByTime(3_600_000);
    expect(lines).toHaveLength(60);
    expect(lines[0]).toMatch(/^ ● conc1 await 1\d min \d\d s$/);
  });

  it('are told of with the latest count, and no more once they ended', () => {
    const { lines, happens } = open();
    happens({ type: 'started', planned, folder }, { type: 'phase', planned, phase: 'await' });
    for (let done = 0; done <= 90; done += 1) {
      happens({ type: 'progress', planned, progress: { done, total: 180, unit: 'req', rate: '9 req/s' } });
      vi.advanceTimersByTime(100);
    }
    expect(lines).toEqual([' ● conc1 await']);
    vi.advanceTimersByTime(1_000);
    expect(lines.at(-1)).toBe(' ● conc1 await 10 s 90/180 req 9 req/s eta 10 s');
    happens({ type: 'ended', planned, folder, status: 'passed' });
    vi.advanceTimersByTime(60_000);
    expect(lines).toHaveLength(2);
  });

  it('are told of more rarely each when they are many', () => {
    const { lines, happens } = open();
    const many = Array.from({ length: 32 }, (_, at) => plannedCell(`conc${at}`));
    for (const one of many) {
      happens({ type: 'started', planned: one, folder }, { type: 'phase', planned: one, phase: 'launch' });
    }
    lines.length = 0;
    vi.advanceTimersByTime(39_000);
    expect(lines).toHaveLength(0);
    vi.advanceTimersByTime(2_000);
    expect(lines).toHaveLength(32);
  });

  it('are silent between two passes', () => {
    const { lines, plain, happens } = open();
    happens({ type: 'started', planned, folder }, { type: 'phase', planned, phase: 'launch' });
    plain.stop();
    vi.advanceTimersByTime(60_000);
    expect(lines).toHaveLength(1);
    plain.start();
    plain.start();
    vi.advanceTimersByTime(1_000);
    expect(lines).toHaveLength(2);
  });
});

describe('what a cell waits for', () => {
  it('is told when it changes, for each cell', () => {
    const { lines, happens } = open();
    happens({ type: 'started', planned, folder }, { type: 'started', planned: other, folder });
    const wait = (cell: typeof planned, what: string) => happens({ type: 'waiting', planned: cell, what });
    wait(planned, 'n1 is held by another session');
    wait(planned, 'n1 is held by another session');
    wait(other, 'n1 is held by another session');
    wait(planned, 'Slurm job 12 PENDING (Resources)');
    wait(planned, 'n1 is held by another session');
    expect(lines).toEqual([
      ' ○ conc1 waiting n1 is held by another session',
      ' ○ conc2 waiting n1 is held by another session',
      ' ○ conc1 waiting Slurm job 12 PENDING (Resources)',
      ' ○ conc1 waiting n1 is held by another session',
    ]);
  });

  it('is told again of a run that waits after an earlier one', () => {
    const { lines, happens } = open();
    for (let run = 0; run < 2; run += 1) {
      happens({ type: 'started', planned, folder }, { type: 'waiting', planned, what: 'canary conc0 first' });
      happens({ type: 'ended', planned, folder, status: 'interrupted' });
    }
    expect(lines).toHaveLength(2);
  });
});
