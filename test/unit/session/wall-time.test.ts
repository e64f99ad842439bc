import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PlannedCell } from '../../../src/session/plan.ts';
import { Scheduler } from '../../../src/session/scheduler.ts';
import type { CellOutcome } from '../../../src/session/scheduler.ts';
import { wallTimeS } from '../../../src/session/wall-time.ts';
import type { TimedHold } from '../../../src/session/wall-time.ts';

const hold = (durationS: number, ...nodes: string[]): TimedHold => ({ durationS, nodes, isExclusive: true });

/** When the real scheduler is done with cells that take as long as they say, on a clock of our own. */
async function endOfSession(holds: readonly TimedHold[]): Promise<number> {
  let now = 0;
  const running: { endS: number; end: () => void }[] = [];
  const cells = holds.map(
    ({ nodes, isExclusive }, index) =>
      ({
        cell: { key: String(index), workload: { exclusive: isExclusive, canary: false, reuse_server: false } },
        binding: { state: 'bound', hosts: { server: nodes } },
        skip: null,
      }) as unknown as PlannedCell,
  );
  const scheduler = new Scheduler({
    run: ({
      planned: {
        cell: { key },
      },
    }) => {
      const endS = now + holds[Number(key)]!.durationS;
      const outcome: CellOutcome = { state: 'ran', folder: key, status: 'passed' };
      return new Promise((resolve) => {
        running.push({ endS, end: () => resolve({ outcome, kept: null }) });
      });
    },
    refuse: () => Promise.resolve(),
  });
  const outcomes = cells.map((planned) => scheduler.launch(planned));
  while (running.length > 0) {
    running.sort((a, b) => a.endS - b.endS);
    const next = running.shift()!;
    now = next.endS;
    next.end();
    await new Promise(setImmediate);
  }
  await Promise.all(outcomes);
  return now;
}

describe('wallTimeS', () => {
  it('adds up cells that share a node and takes the longest of those that do not', () => {
    expect(wallTimeS([hold(3, 'n1'), hold(4, 'n2'), hold(2, 'n1')])).toBe(5);
    expect(wallTimeS([])).toBe(0);
  });

  it('lets no cell overtake one that waits for many nodes', () => {
    expect(wallTimeS([hold(3, 'n1'), hold(4, 'n1', 'n2'), hold(2, 'n2')])).toBe(9);
  });

  it('is when the scheduler would be done', async () => {
    const nodes = fc.uniqueArray(fc.constantFrom('n1', 'n2', 'n3'), { minLength: 1 });
    const timed = fc.record({ nodes, isExclusive: fc.boolean(), durationS: fc.nat(9) });
    await fc.assert(
      fc.asyncProperty(fc.array(timed, { maxLength: 12 }), async (holds) => {
        expect(wallTimeS(holds)).toBe(await endOfSession(holds));
      }),
    );
  });
});
