import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PlannedCell } from '../../../src/session/plan.ts';
import { NodeLocks } from '../../../src/session/node-locks.ts';
import { Scheduler } from '../../../src/session/scheduler.ts';
import type { CellOutcome, Kept, Turn } from '../../../src/session/scheduler.ts';

const cell = (key: string, ...nodes: string[]): PlannedCell =>
  ({
    cell: { key, cellId: key, workload: { exclusive: true, canary: false, reuse_server: false, test_id: 'demo' } },
    binding: { state: 'bound', hosts: { server: nodes } },
    skip: null,
  }) as unknown as PlannedCell;

const sharing = (key: string, ...nodes: string[]): PlannedCell =>
  ({
    ...cell(key, ...nodes),
    cell: { key, workload: { exclusive: false, canary: false } },
  }) as unknown as PlannedCell;

const keysOf = (cells: readonly PlannedCell[]): string => cells.map(({ cell: { key } }) => key).join(' ');

type Run = (turn: Turn<Kept>) => Promise<CellOutcome>;

/** A runner that keeps no servers. */
const launching = (run: Run) => ({
  run: async (turn: Turn<Kept>) => ({ outcome: await run(turn), kept: null }),
  refuse: () => Promise.resolve(),
});

const passed = (key: string): CellOutcome => ({ state: 'ran', folder: key, status: 'passed' });

/** Launches that end when told, and a log of what ran. */
function bench(cells: readonly PlannedCell[], locks?: NodeLocks) {
  const started: string[] = [];
  const ends = new Map<string, (status: 'passed' | 'failed_setup' | 'interrupted') => void>();
  const runner = launching(
    ({
      planned: {
        cell: { key },
      },
    }) => {
      started.push(key);
      return new Promise((resolve) => {
        ends.set(key, (status) => resolve({ state: 'ran', folder: key, status }));
      });
    },
  );
  const scheduler = new Scheduler(runner, locks);
  const end = async (
    key: string,
    outcome: Promise<CellOutcome>,
    status: 'passed' | 'failed_setup' | 'interrupted' = 'passed',
  ): Promise<void> => {
    ends.get(key)?.(status);
    await outcome;
    // The lock is released in a reaction of its own.
    await new Promise(setImmediate);
  };
  const request = (key: string): Promise<CellOutcome> =>
    scheduler.launch(cells.find((planned) => planned.cell.key === key)!);
  return { scheduler, request, started, end };
}

describe('Scheduler', () => {
  it('runs cells on disjoint nodes together, and on shared nodes in the order of the requests', async () => {
    const { request, started, end } = bench([cell('a', 'n1'), cell('b', 'n1'), cell('c', 'n2')]);
    const [a, b, c] = ['a', 'b', 'c'].map((key) => request(key));
    expect(started).toEqual(['a', 'c']);
    await end('a', a!);
    expect(started).toEqual(['a', 'c', 'b']);
    await end('b', b!);
    await end('c', c!);
  });

  it('does not let small cells overtake one that waits for many nodes', async () => {
    const { request, started, end } = bench([cell('a', 'n1'), cell('wide', 'n1', 'n2'), cell('b', 'n2')]);
    const [a] = ['a', 'wide', 'b'].map((key) => request(key));
    expect(started).toEqual(['a']);
    await end('a', a!);
    expect(started).toEqual(['a', 'wide']);
  });

  it('answers a cell that fits no node without a launch', async () => {
    const unbound = {
      cell: { key: 'u' },
      skip: { reason: 'insufficient_nodes', detail: 'insufficient_nodes (need 2, have 1)' },
    };
    const { request, started } = bench([unbound as unknown as PlannedCell]);
    expect(await request('u')).toEqual({ state: 'skipped', reason: 'insufficient_nodes (need 2, have 1)' });
    expect(started).toEqual([]);
  });

  it('runs cells that allow it together on their nodes, and leaves others alone', async () => {
    const { request, started, end } = bench([sharing('a', 'n1'), sharing('b', 'n1'), cell('c', 'n1')]);
    const [a, b, c] = ['a', 'b', 'c'].map((key) => request(key));
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
    const a = first.request('a');
    const b = second.request('b');
    expect([first.started, second.started]).toEqual([['a'], []]);
    await first.end('a', a);
    expect(second.started).toEqual(['b']);
    await second.end('b', b);
  });

  it('starts nothing any more once it is closed', async () => {
    const { scheduler, request, started, end } = bench([cell('a', 'n1'), cell('b', 'n1'), cell('c', 'n2')]);
    const [a, b] = [request('a'), request('b')];
    scheduler.close();
    await end('a', a);
    const notRun = { state: 'skipped', reason: 'the session ended before its turn' };
    expect(await Promise.all([b, request('c')])).toEqual([notRun, notRun]);
    expect(started).toEqual(['a']);
  });

  it('frees the nodes of a launch that throws', async () => {
    const runner = launching(
      ({
        planned: {
          cell: { key },
        },
      }) => (key === 'a' ? Promise.reject(new Error('boom')) : Promise.resolve(passed(key))),
    );
    const scheduler = new Scheduler(runner);
    await expect(scheduler.launch(cell('a', 'n1'))).rejects.toThrow('boom');
    expect(await scheduler.launch(cell('b', 'n1'))).toMatchObject({ state: 'ran' });
  });

  describe('with a canary', () => {
    const ahead = (key: string, ...nodes: string[]): PlannedCell => {
      const planned = cell(key, ...nodes);
      return { ...planned, cell: { ...planned.cell, workload: { ...planned.cell.workload, canary: true } } };
    };

    it('lets the first cell of a config go alone, and the others when its setup was good', async () => {
      const { request, started, end } = bench([ahead('a', 'n1'), ahead('b', 'n2'), ahead('c', 'n1'), cell('x', 'n3')]);
      const [a] = ['a', 'b', 'c', 'x'].map((key) => request(key));
      expect(started).toEqual(['a', 'x']);
      await end('a', a!);
      expect(started).toEqual(['a', 'x', 'b', 'c']);
    });

    it('sends another one ahead when the first was cut short', async () => {
      const { request, started, end } = bench([ahead('a', 'n1'), ahead('b', 'n2'), ahead('c', 'n3')]);
      const [a] = ['a', 'b', 'c'].map((key) => request(key));
      await end('a', a!, 'interrupted');
      expect(started).toEqual(['a', 'b']);
    });

    it('launches no other cell when its setup failed, and says why', async () => {
      const { request, started, end } = bench([ahead('a', 'n1'), ahead('b', 'n2'), ahead('c', 'n1')]);
      const [a, b] = ['a', 'b'].map((key) => request(key));
      await end('a', a!, 'failed_setup');
      const refused = { state: 'skipped', reason: 'canary_failed (the setup of a failed)' };
      expect(await Promise.all([b, request('c')])).toEqual([refused, refused]);
      expect(started).toEqual(['a']);
    });
  });

  describe('where servers may be used again', () => {
    const reusing = (key: string, ...nodes: string[]): PlannedCell => {
      const planned = cell(key, ...nodes);
      return { ...planned, cell: { ...planned.cell, workload: { ...planned.cell.workload, reuse_server: true } } };
    };

    /** Every cell keeps its server when it may; a log of turns and ends. */
    async function turnsOf(cells: readonly PlannedCell[], keeps = (_key: string): boolean => true) {
      const log: string[] = [];
      const scheduler = new Scheduler<Kept & { readonly of: string }>({
        run: async ({
          planned: {
            cell: { key },
          },
          before,
          mayKeep,
        }) => {
          log.push(`${key}${before === null ? '' : ` on ${before.of}`}`);
          await new Promise(setImmediate);
          const of = before?.of ?? key;
          const close = async (): Promise<void> => void log.push(`end ${of}`);
          return { outcome: passed(key), kept: mayKeep() && keeps(key) ? { of, close } : null };
        },
        refuse: () => Promise.resolve(),
      });
      await Promise.all(cells.map((planned) => scheduler.launch(planned)));
      await new Promise(setImmediate);
      return log;
    }

    it('hands them on along the cells of the same nodes, and asks nobody to keep any after the last', async () => {
      expect(await turnsOf([reusing('a', 'n1'), reusing('b', 'n1'), reusing('c', 'n1')])).toEqual([
        'a',
        'b on a',
        'c on a',
      ]);
    });

    it('starts anew where a run did not keep its servers', async () => {
      const cells = [reusing('a', 'n1'), reusing('b', 'n1'), reusing('c', 'n1')];
      expect(await turnsOf(cells, (key) => key !== 'a')).toEqual(['a', 'b', 'c on b']);
    });

    /** What each turn is told of the cells behind it, once all are asked for. */
    async function behindEach(cells: readonly PlannedCell[]): Promise<readonly string[]> {
      const seen: string[] = [];
      const runner = launching(async ({ planned, behind }) => {
        await new Promise(setImmediate);
        seen.push(`${planned.cell.key}: ${keysOf(behind())}`);
        return passed(planned.cell.key);
      });
      const scheduler = new Scheduler(runner);
      await Promise.all(cells.map((planned) => scheduler.launch(planned)));
      return seen;
    }

    it('tells a turn which cells come next on the very same nodes', async () => {
      const alone = ['z', 'a', 'b'].map((key) => cell(key, 'n1'));
      const cells = [...alone, cell('x', 'n2'), cell('wide', 'n1', 'n2'), cell('c', 'n1')];
      expect(await behindEach(cells)).toEqual(['z: a b', 'x: ', 'a: b', 'b: ', 'wide: ', 'c: ']);
    });

    it('names no cell to another that starts together with it on shared nodes', async () => {
      const cells = [cell('first', 'n1'), sharing('a', 'n1'), sharing('b', 'n1')];
      expect(await behindEach(cells)).toEqual(['first: a b', 'a: ', 'b: ']);
    });

    it('hands them to no cell whose canary still runs elsewhere', async () => {
      const of = (config: string, planned: PlannedCell): PlannedCell => {
        const { workload } = planned.cell;
        return { ...planned, cell: { ...planned.cell, workload: { ...workload, test_id: config, canary: true } } };
      };
      const cells = [of('p', reusing('p', 'n1')), of('q', reusing('ahead', 'n2')), of('q', reusing('q', 'n1'))];
      const log: string[] = [];
      let endAhead = (): void => undefined;
      const scheduler = new Scheduler<Kept>({
        run: async ({
          planned: {
            cell: { key },
          },
          mayKeep,
        }) => {
          log.push(key);
          await (key === 'ahead' ? new Promise<void>((resolve) => (endAhead = resolve)) : new Promise(setImmediate));
          const close = async (): Promise<void> => void log.push(`end of ${key}`);
          return { outcome: passed(key), kept: mayKeep() ? { close } : null };
        },
        refuse: () => Promise.resolve(),
      });
      const [p, ...others] = cells.map((planned) => scheduler.launch(planned));
      await p;
      await new Promise(setImmediate);
      expect(log).toEqual(['p', 'ahead', 'end of p']);
      endAhead();
      await Promise.all(others);
      expect(log).toEqual(['p', 'ahead', 'end of p', 'q']);
    });

    it('neither passes over a cell that waits for one of the nodes, nor hands servers to other nodes', async () => {
      const cells = [reusing('a', 'n1'), reusing('wide', 'n1', 'n2'), reusing('b', 'n1')];
      expect(await turnsOf(cells)).toEqual(['a', 'wide', 'b']);
      expect(await turnsOf([reusing('a', 'n1'), cell('own', 'n1'), reusing('b', 'n1')])).toEqual(['a', 'own', 'b']);
    });
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
          const runner = launching(
            async ({
              planned: {
                cell: { key },
              },
            }) => {
              const on = cells[Number(key.slice(1))]!;
              for (const node of on) expect(busy).not.toContain(node);
              for (const node of on) busy.add(node);
              launches.push(key);
              await new Promise<void>((resolve) => live.push(resolve));
              for (const node of on) busy.delete(node);
              return passed(key);
            },
          );
          const scheduler = new Scheduler(runner);
          const all = Promise.all(planned.map((one) => scheduler.launch(one)));
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
