import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Manifest } from '../../../src/evidence/manifest.ts';
import type { SessionEvent } from '../../../src/session/run.ts';
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

describe('stored runs', () => {
  const told = (...events: readonly SessionEvent[]): readonly string[] => {
    const lines: string[] = [];
    const progress = new ProgressLines((line) => lines.push(line.replaceAll(/ +/g, ' ')));
    for (const event of events) progress.onEvent(event);
    return lines;
  };
  const run = { run_id: '0193a8e2-7c1f-7000-8000-000000000000', timestamp_start: '2026-05-28T10:00:00.000Z' };
  const manifest = { ...run, status: 'passed' } as Manifest;
  const judgedAgain = { what: 'thresholds', changes: [] } as const;

  it('are shown by their id and date, and how they are judged', () => {
    expect(
      told(
        { type: 'reused', planned, folder: 'runs/x', manifest, judgedAgain: null },
        { type: 'reused', planned: other, folder: 'runs/x', manifest, judgedAgain },
      ),
    ).toEqual([
      ' ↺ conc1 reused 0193a8e2-7c1f of 2026-05-28, as judged then',
      ' ↺ conc2 reused 0193a8e2-7c1f of 2026-05-28, judged again: thresholds changed',
    ]);
  });

  it('that are not there or damaged are told with the reason', () => {
    const reason = 'knobs.attention: aiter -> fa';
    const skip = { reason: 'not_cached', detail: `not_cached (${reason})` };
    expect(
      told(
        { type: 'damaged', planned, folder: join(process.cwd(), 'runs/x'), reason: 'a is missing' },
        { type: 'missed', planned, miss: { reason, nearest: run }, skip: null },
        { type: 'missed', planned, miss: { reason, nearest: null }, skip: null },
        { type: 'missed', planned, miss: { reason, nearest: run }, skip },
      ),
    ).toEqual([
      ' ! conc1 runs/x is passed over: a is missing',
      ' ○ conc1 no reuse knobs.attention: aiter -> fa (compared with 0193a8e2-7c1f of 2026-05-28)',
      ' ○ conc1 no reuse knobs.attention: aiter -> fa',
      ' - conc1 skipped not_cached (knobs.attention: aiter -> fa)',
    ]);
  });
});
