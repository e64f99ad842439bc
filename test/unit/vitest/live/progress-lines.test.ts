import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { Manifest } from '../../../../src/evidence/manifest.ts';
import type { SessionEvent } from '../../../../src/session/events.ts';
import { lastingLines, runningLines, waitLines } from '../../../../src/vitest/live/progress-lines.ts';
import { plannedCell } from '../planned-cell.ts';

const planned = plannedCell('conc1');
const run = { run_id: '0193a8e2-7c1f-7000-8000-000000000000', timestamp_start: '2026-05-28T10:00:00.000Z' };
const manifest = { ...run, status: 'passed' } as Manifest;
const folder = join(process.cwd(), 'runs/x');

const squeezed = (lines: readonly string[]): readonly string[] =>
  lines.map((line) => stripVTControlCharacters(line).replaceAll(/ +/g, ' '));
const told = (event: SessionEvent, tookMs: number | null = null): readonly string[] =>
  squeezed(lastingLines(event, tookMs, Infinity));

describe('what stays on the screen', () => {
  it('is how a cell ended, and how long it took if anybody knows', () => {
    expect(told({ type: 'ended', planned, folder, status: 'passed' }, 13_000)).toEqual([' ✓ conc1 passed 13 s']);
    expect(told({ type: 'ended', planned, folder, status: 'failed_setup' })).toEqual([' ✗ conc1 failed_setup']);
  });

  it('is the stored run that stands for a launch, by its id and date, and how it is judged', () => {
    const judgedAgain = { what: 'thresholds', changes: [], verdicts: [] } as const;
    const then = told({ type: 'reused', planned, folder, manifest, judgedAgain: null });
    expect(then).toEqual([' ↺ conc1 reused 0193a8e2-7c1f of 2026-05-28, as judged then']);
    const again = told({ type: 'reused', planned, folder, manifest, judgedAgain });
    expect(again).toEqual([' ↺ conc1 reused 0193a8e2-7c1f of 2026-05-28, judged again: thresholds changed']);
  });

  it('is why no stored run stands, and why a cell is not launched', () => {
    const reason = 'knobs.attention: aiter -> fa';
    const skip = { reason: 'not_cached', detail: `not_cached (${reason})` };
    const events: readonly SessionEvent[] = [
      { type: 'damaged', planned, folder, reason: 'a is missing' },
      { type: 'missed', planned, miss: { reason, nearest: run }, skip: null },
      { type: 'missed', planned, miss: { reason, nearest: null }, skip: null },
      { type: 'missed', planned, miss: { reason, nearest: run }, skip },
      { type: 'refused', planned, skip: { reason: 'canary_failed', detail: 'conc0 failed' } },
    ];
    expect(events.flatMap((event) => told(event))).toEqual([
      ' ! conc1 runs/x is passed over: a is missing',
      ' ○ conc1 no reuse knobs.attention: aiter -> fa (compared with 0193a8e2-7c1f of 2026-05-28)',
      ' ○ conc1 no reuse knobs.attention: aiter -> fa',
      ' - conc1 skipped not_cached (knobs.attention: aiter -> fa)',
      ' - conc1 skipped canary_failed',
    ]);
  });

  it('is what a dead session left', () => {
    const reaped = { folder } as Extract<SessionEvent, { readonly type: 'reaped' }>['reaped'];
    expect(told({ type: 'reaped', reaped })).toEqual([' ○ ended what a dead session left: runs/x']);
  });

  it('is nothing of what is over soon', () => {
    expect(told({ type: 'started', planned, folder })).toEqual([]);
    expect(told({ type: 'phase', planned, phase: 'launch' })).toEqual([]);
  });
});

describe('a line that is too wide', () => {
  const what = 'n1 is in use by session 0193a8e2-7c1f-7000-8000-000000000000 of somebody else since 10:00:00';

  it('goes on below, with every word of it', () => {
    expect(waitLines('balanced-conc1', what, 80)).toEqual([
      ' ○ balanced-conc1             waiting',
      '     n1 is in use by session 0193a8e2-7c1f-7000-8000-000000000000 of somebody',
      '     else since 10:00:00',
    ]);
  });

  it('is one line where nothing is too wide', () => {
    expect(squeezed(waitLines('balanced-conc1', what, Infinity))).toEqual([` ○ balanced-conc1 waiting ${what}`]);
  });
});

describe('a cell under way', () => {
  const cell = { framework: 'demo', name: 'conc1', phase: 'await', elapsedMs: 12_000, remainingMs: 2_500 };
  const progress = { done: 96, total: 160, unit: 'req', rate: '412 tok/s' };

  it('is told of with its phase, its time, its count, its rate and its end, in 80 columns', () => {
    expect(runningLines({ ...cell, progress }, 80)).toEqual([
      ' ● conc1                      await     12 s   96/160 req   412 tok/s   eta 3 s',
    ]);
  });

  it('is told of without what is not known, and with its framework when it begins', () => {
    const begun = { ...cell, phase: 'launch', elapsedMs: 200, remainingMs: null, progress: null };
    expect(squeezed(runningLines(begun, 80))).toEqual([' ● conc1 launch demo']);
    const quiet = { ...cell, progress: { ...progress, quietMs: 45_000 } };
    expect(squeezed(runningLines(quiet, Infinity))).toEqual([' ● conc1 await 12 s 96/160 req nothing moved for 45 s']);
  });
});
