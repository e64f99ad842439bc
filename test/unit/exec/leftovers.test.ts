import { describe, expect, it } from 'vitest';
import type { Executor, Labelled } from '../../../src/exec/executor.ts';
import { endLabelled } from '../../../src/exec/leftovers.ts';
import { localExecutor } from '../../../src/exec/local.ts';

/** A host with one process that starts another one whenever it was just found, so many times. */
function forkingHost(times: number): Executor & { readonly alive: Set<number> } {
  const alive = new Set([1]);
  let last = 1;
  const seen = (): Labelled[] => [...alive].map((pid) => ({ kind: 'process', pid, session: 1 }));
  return {
    ...localExecutor('n1'),
    alive,
    findLabelled: async () => {
      const found = seen();
      if (last <= times) alive.add(++last);
      return found;
    },
    end: async (found) => {
      for (const item of found) if (item.kind === 'process') alive.delete(item.pid);
    },
  };
}

describe('ending what carries a label', () => {
  it('ends what was started between the search and the kill too', async () => {
    const host = forkingHost(3);
    expect(await endLabelled(host, 'run-1')).toEqual({ count: 4, unconfirmed: [] });
    expect(host.alive).toEqual(new Set());
  });

  it('counts once what is still seen while it dies, without its session', async () => {
    const searches = [
      [{ kind: 'process', pid: 7, session: 7 }],
      [{ kind: 'process', pid: 7, session: 0 }],
      [],
    ] as const;
    let search = 0;
    const host = { ...forkingHost(0), findLabelled: async () => searches[search++] ?? [] };
    expect(await endLabelled(host, 'run-1')).toEqual({ count: 1, unconfirmed: [] });
  });

  it('says so when it goes on for ever', async () => {
    expect(await endLabelled(forkingHost(Number.POSITIVE_INFINITY), 'run-1')).toEqual({
      count: null,
      unconfirmed: ['n1: something of run run-1 is there after every attempt to end it'],
    });
  });
});
