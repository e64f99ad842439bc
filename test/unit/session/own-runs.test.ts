import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { OwnRuns } from '../../../src/session/own-runs.ts';
import type { PlannedCell } from '../../../src/session/plan.ts';
import type { CellOutcome } from '../../../src/session/scheduler.ts';

const cell = (key: string, workloadHash = 'w'): PlannedCell =>
  ({ cell: { key }, identity: { workloadHash } }) as unknown as PlannedCell;
const aFolder = mkdtempSync(join(tmpdir(), 'own-run-'));
const ran = (status: 'passed' | 'failed_verification' | 'failed_setup', folder = aFolder): CellOutcome => ({
  state: 'ran',
  folder,
  status,
});

/** Asks for cells and counts what is launched for them. */
function asking(outcome: () => Promise<CellOutcome>) {
  const runs = new OwnRuns();
  let launches = 0;
  const ask = (planned: PlannedCell, artifacts = '/runs'): Promise<CellOutcome> =>
    runs.obtain(planned, artifacts, () => {
      launches += 1;
      return outcome();
    }).outcome;
  return { runs, ask, launches: () => launches };
}

describe('OwnRuns', () => {
  it('launches a workload once, whoever asks for it and whichever plan it is in', async () => {
    const { ask, launches } = asking(async () => ran('passed'));
    expect(await Promise.all([ask(cell('a')), ask(cell('a')), ask(cell('a'))])).toEqual([
      ran('passed'),
      ran('passed'),
      ran('passed'),
    ]);
    expect(launches()).toBe(1);
  });

  it('takes another cell, another workload and another artifact directory for another run', () => {
    const { ask, launches } = asking(async () => ran('passed'));
    void Promise.all([ask(cell('a')), ask(cell('b')), ask(cell('a', 'x')), ask(cell('a'), '/other')]);
    expect(launches()).toBe(4);
  });

  it.each([
    ['passed', async () => ran('passed'), 1],
    ['missed a threshold', async () => ran('failed_verification'), 1],
    ['could not be set up', async () => ran('failed_setup'), 2],
    ['never had its turn', async () => ({ state: 'skipped' as const, reason: 'the session ended' }), 2],
    ['threw', () => Promise.reject(new Error('boom')), 2],
  ])('in the next pass asks again for one that %s: %i launches', async (_what, outcome, expected) => {
    const { runs, ask, launches } = asking(outcome);
    await ask(cell('a')).catch(() => undefined);
    await ask(cell('a')).catch(() => undefined);
    expect(launches()).toBe(1);
    runs.beginPass();
    await ask(cell('a')).catch(() => undefined);
    expect(launches()).toBe(expected);
  });

  it('in the next pass asks again for one whose run directory was removed', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'own-run-'));
    const { runs, ask, launches } = asking(async () => ran('passed', folder));
    await ask(cell('a'));
    rmSync(folder, { recursive: true });
    runs.beginPass();
    await ask(cell('a'));
    expect(launches()).toBe(2);
  });

  it('keeps what is under way when a pass begins', () => {
    const { runs, ask, launches } = asking(() => new Promise(() => undefined));
    void ask(cell('a'));
    runs.beginPass();
    void ask(cell('a'));
    expect(launches()).toBe(1);
  });
});
