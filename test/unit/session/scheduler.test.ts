import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PlannedCell } from '../../../src/session/plan.ts';
import { NodeLocks } from '../../../src/session/node-locks.ts';
import { Scheduler } from '../../../src/session/scheduler.ts';
import type { CellOutcome } from '../../../src/session/scheduler.ts';

const cell = (key: string, ...nodes: string[]): PlannedCell =>
  ({
    cell: { key, workload: { exclusive: true } },
    binding: { state: 'bound', hosts: { server: nodes } },
    skip: null,
  }) as unknown as PlannedCell;

/** Launches that end when told, and a log of what ran. */
function bench(cells: readonly PlannedCell[], locks?: NodeLocks) {
  const started: string[] = [];
  const ends = new Map<string, () => void>();
  const scheduler = new Scheduler(
    cells,
    ({ cell: { key } }) => {
      started.push(key);
      return new Promise<CellOutcome>((resolve) => {
        ends.set(key, () => resolve({ state: 'ran', folder: key, status: 'passed' }));
      });
    },
    locks,
  );
  const end = async (key: string, outcome: Promise<CellOutcome>): Promise<void> => {
    ends.get(key)?.();
    await outcome;
    // The lock is released in a reaction of its own.
    await new Promise(setImmediate);
  };
  return { scheduler, started, end };
}

describe('Scheduler', () => {
  it('launches a cell once, however often it is asked for', async () => {
    const { scheduler, started, end } = bench([cell('a', 'n1')]);
    const outcomes = [scheduler.request('a'), scheduler.request('a')];
    await end('a', outcomes[0]!);
    expect(await Promise.all([...outcomes, scheduler.request('a')])).toEqual(
      Array.from({ length: 3 }, () => ({ state: 'ran', folder: 'a', status: 'passed' })),
    );
    expect(started).toEqual(['a']);
  });

  it('runs cells on disjoint nodes together, and on shared nodes in the order of the requests', async () => {
    const { scheduler, started, end } = bench([cell('a', 'n1'), cell('b', 'n1'), cell('c', 'n2')]);
    const [a, b, c] = ['a', 'b', 'c'].map((key) => scheduler.request(key));
    expect(started).toEqual(['a', 'c']);
    await end('a', a!);
    expect(started).toEqual(['a', 'c', 'b']);
    await end('b', b!);
    await end('c', c!);
  });

  it('does not let small cells overtake one that waits for many nodes', async () => {
    const { scheduler, started, end } = bench([cell('a', 'n1'), cell('wide', 'n1', 'n2'), cell('b', 'n2')]);
    const [a] = ['a', 'wide', 'b'].map((key) => scheduler.request(key));
    expect(started).toEqual(['a']);
    await end('a', a!);
    expect(started).toEqual(['a', 'wide']);
  });

  it('answers a cell that fits no node without a launch, and refuses one it does not know', async () => {
    const unbound = {
      cell: { key: 'u' },
      skip: { reason: 'insufficient_nodes', detail: 'insufficient_nodes (need 2, have 1)' },
    };
    const { scheduler, started } = bench([unbound as unknown as PlannedCell]);
    expect(await scheduler.request('u')).toEqual({ state: 'skipped', reason: 'insufficient_nodes (need 2, have 1)' });
    await expect(scheduler.request('x')).rejects.toThrow('no cell x in this session');
    expect(started).toEqual([]);
  });

  it('runs cells that allow it together on their nodes, and leaves others alone', async () => {
    const sharing = (key: string, ...nodes: string[]): PlannedCell =>
      ({ ...cell(key, ...nodes), cell: { key, workload: { exclusive: false } } }) as unknown as PlannedCell;
    const { scheduler, started, end } = bench([sharing('a', 'n1'), sharing('b', 'n1'), cell('c', 'n1')]);
    const [a, b, c] = ['a', 'b', 'c'].map((key) => scheduler.request(key));
    expect(started).toEqual(['a', 'b']);
    await end('a', a!);
    expect(started).toEqual(['a', 'b']);
    await end('b', b!);
    expect(started).toEqual(['a', 'b', 'c']);
    await end('c', c!);
  });

  it('waits for the nodes that another scheduler of the process holds', async () => {
    const locks = new NodeLocks();
    const [first, second] = [bench([cell('a', 'n1')], locks), bench([cell('b', 'n1')], locks)];
    const a = first.scheduler.request('a');
    const b = second.scheduler.request('b');
    expect([first.started, second.started]).toEqual([['a'], []]);
    await first.end('a', a);
    expect(second.started).toEqual(['b']);
    await second.end('b', b);
  });

  it('starts nothing any more once it is closed', async () => {
    const { scheduler, started, end } = bench([cell('a', 'n1'), cell('b', 'n1'), cell('c', 'n2')]);
    const [a, b] = [scheduler.request('a'), scheduler.request('b')];
    scheduler.close();
    await end('a', a);
    const notRun = { state: 'skipped', reason: 'the session ended before its turn' };
    expect(await Promise.all([b, scheduler.request('c')])).toEqual([notRun, notRun]);
    expect(started).toEqual(['a']);
  });

  it('frees the nodes of a launch that throws', async () => {
    const scheduler = new Scheduler([cell('a', 'n1'), cell('b', 'n1')], ({ cell: { key } }) =>
      key === 'a'
        ? Promise.reject(new Error('boom'))
        : Promise.resolve({ state: 'ran', folder: key, status: 'passed' }),
    );
    await expect(scheduler.request('a')).rejects.toThrow('boom');
    expect(await scheduler.request('b')).toMatchObject({ state: 'ran' });
  });

  it('never has two cells on a node, and runs every requested cell exactly once', async () => {
    const nodes = fc.subarray(['n1', 'n2', 'n3'], { minLength: 1 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(nodes, { minLength: 1, maxLength: 8 }),
        fc.infiniteStream(fc.nat()),
        async (cells, picks) => {
          const planned = cells.map((on, index) => cell(`c${index}`, ...on));
          const busy = new Set<string>();
          const live: (() => void)[] = [];
          const launches: string[] = [];
          const scheduler = new Scheduler(planned, async ({ cell: { key } }) => {
            const on = cells[Number(key.slice(1))]!;
            for (const node of on) expect(busy).not.toContain(node);
            for (const node of on) busy.add(node);
            launches.push(key);
            await new Promise<void>((resolve) => live.push(resolve));
            for (const node of on) busy.delete(node);
            return { state: 'ran', folder: key, status: 'passed' };
          });
          const all = Promise.all(planned.map(({ cell: { key } }) => scheduler.request(key)));
          while (live.length > 0) {
            const [resolve] = live.splice(picks.next().value % live.length, 1);
            resolve?.();
            await new Promise(setImmediate);
          }
          await all;
          expect(launches.toSorted()).toEqual(planned.map(({ cell: { key } }) => key).toSorted());
        },
      ),
    );
  });
});
