import { describe, expect, it } from 'vitest';
import { ProgressLines } from '../../../src/vitest/progress.ts';
import { plannedCell } from './planned-cell.ts';

const planned = plannedCell('conc1');
const other = plannedCell('conc2');

describe('what a cell waits for', () => {
  it('is told when it changes, for each cell', () => {
    const lines: string[] = [];
    const progress = new ProgressLines((line) => lines.push(line));
    const wait = (cell: typeof planned, what: string) => progress.onEvent({ type: 'waiting', planned: cell, what });
    wait(planned, 'n1 is held by another session');
    wait(planned, 'n1 is held by another session');
    wait(other, 'n1 is held by another session');
    wait(planned, 'Slurm job 12 PENDING (Resources)');
    wait(planned, 'n1 is held by another session');
    expect(lines.map((line) => line.replaceAll(/ +/g, ' '))).toEqual([
      ' ○ conc1 waiting n1 is held by another session',
      ' ○ conc2 waiting n1 is held by another session',
      ' ○ conc1 waiting Slurm job 12 PENDING (Resources)',
      ' ○ conc1 waiting n1 is held by another session',
    ]);
  });

  it('is told again of a run that waits after an earlier one', () => {
    const lines: string[] = [];
    const progress = new ProgressLines((line) => lines.push(line));
    for (let run = 0; run < 2; run += 1) {
      progress.onEvent({ type: 'waiting', planned, what: 'canary conc0 first' });
      progress.onEvent({ type: 'started', planned, folder: 'runs/x' });
    }
    expect(lines).toHaveLength(2);
  });
});
