import { hostname } from 'node:os';
import type { Executor } from './executor.ts';
import type { Carrier } from './carrier.ts';
import { inContainer } from './container.ts';
import type { HostLock } from './host-lock.ts';
import { lockHost } from './host-lock.ts';
import type { HostNode, Hosts, HostsSpec, Waiting } from './hosts.ts';
import { localCarrier, localExecutor } from './local.ts';
import { openSlurmTask } from './slurm-array.ts';
import { openSlurmHosts } from './slurm.ts';
import { openSshHosts } from './ssh.ts';

/** Hosts that are reached, and what it takes to let go of them. */
interface Reached {
  readonly executors: ReadonlyMap<string, Executor>;
  readonly allocation: string | null;
  readonly close: () => Promise<void>;
}

/** The hosts of a run, not open yet. */
export function hostsOf(spec: HostsSpec, runId: string): Hosts {
  let reached: Reached | null = null;
  return {
    open: async (waiting) => {
      reached ??= await reach(spec, runId, waiting);
    },
    isOpen: () => reached !== null,
    executor: (host) => {
      const executor = reached?.executors.get(host);
      if (executor === undefined) throw new Error(`${host} is not one of the open hosts of this run`);
      return executor;
    },
    executors: () => [...(reached?.executors.values() ?? [])],
    allocation: () => reached?.allocation ?? null,
    close: async () => {
      const closing = reached;
      reached = null;
      await closing?.close();
    },
  };
}

async function reach(spec: HostsSpec, runId: string, waiting: Waiting): Promise<Reached> {
  const { executors, ...rest } = await reachPlain(spec, runId, waiting);
  const { container } = spec;
  if (container === null) return { executors, ...rest };
  const inside = [...executors].map(([host, executor]) => [host, inContainer(executor, container)] as const);
  return { executors: new Map(inside), ...rest };
}

async function reachPlain(spec: HostsSpec, runId: string, waiting: Waiting): Promise<Reached> {
  const { reach: way, nodes, timeLimitMs, isExclusive, task } = spec;
  switch (way.executor) {
    case 'local': {
      // Windows has neither a POSIX shell nor flock.
      const lockable = process.platform === 'win32' ? [] : nodes;
      const carriers = new Map(lockable.map(({ name }) => [name, localCarrier(name)]));
      const locks = await lockAll(spec, carriers, waiting);
      const executors = new Map(nodes.map(({ name, address }) => [name, localExecutor(name, address.host)]));
      return { executors, allocation: null, close: () => releaseAll(locks) };
    }
    case 'ssh': {
      const { executors, carriers, close } = await openSshHosts(nodes, { config: way.config, runId });
      try {
        const locks = await lockAll(spec, carriers, waiting);
        const letGo = async (): Promise<void> => {
          try {
            await releaseAll(locks);
          } finally {
            await close();
          }
        };
        return { executors, allocation: null, close: letGo };
      } catch (thrown) {
        await close();
        throw thrown;
      }
    }
    // Slurm keeps others from the nodes of an allocation.
    case 'slurm': {
      const request = { nodes, slurm: way.slurm, timeLimitMs, isExclusive, runId };
      return task === null ? openSlurmHosts(request, waiting) : openSlurmTask(task, request, waiting);
    }
  }
}

// In one order everywhere: two sessions that each hold what the other waits for would wait for ever.
async function lockAll(
  { nodes, isExclusive }: HostsSpec,
  carriers: ReadonlyMap<string, Carrier>,
  waiting: Waiting,
): Promise<readonly HostLock[]> {
  const locks: HostLock[] = [];
  const holder = `process ${process.pid} on ${hostname()} since ${new Date().toISOString()}`;
  try {
    for (const node of nodes.toSorted((one, other) => (lockName(one) < lockName(other) ? -1 : 1))) {
      const carrier = carriers.get(node.name);
      if (carrier !== undefined)
        locks.push(await lockHost(carrier, { name: lockName(node), isExclusive, holder }, waiting));
    }
    return locks;
  } catch (thrown) {
    await releaseAll(locks);
    throw thrown;
  }
}

async function releaseAll(locks: readonly HostLock[]): Promise<void> {
  await Promise.all(locks.map((lock) => lock.release()));
}

/** Its address, since sessions may name it as they like; those that address it differently do not keep each other out. */
function lockName({ address: { host, port } }: HostNode): string {
  return port === null || port === 22 ? host : `${host}.${port}`;
}
