import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../core/errors.ts';
import { inContainer } from './container.ts';
import type { Executor, Labelled } from './executor.ts';
import type { HostsSpec } from './hosts.ts';
import { findMarked, localExecutor } from './local.ts';
import { withPlainHosts } from './plain-hosts.ts';
import { CLIENT_LABEL, JOB_HOST_LABEL } from './run-label.ts';
import { removeScratch } from './scratch.ts';
import { cancelSlurmArrays } from './slurm-array.ts';
import { cancelAllocations, findAllocations, reachSlurmJob } from './slurm.ts';
import { endConnections } from './ssh.ts';

/** What was found with a run's label, and ended. */
export interface Leftovers {
  /** How many processes, containers and allocations; null when a host cannot tell. */
  readonly count: number | null;
  /** The hosts of which nobody can say that nothing is left there, each with the reason. */
  readonly unconfirmed: readonly string[];
}

const NOTHING: Leftovers = { count: 0, unconfirmed: [] };

// What is killed may have started something since it was found, and a dying process is seen for a moment longer.
const ROUNDS = 10;
const BETWEEN_ROUNDS_MS = 20;

// The session of a process that is about to be gone reads as 0: it is the one that was found before.
function nameOf(item: Labelled): string {
  return `${item.kind} ${item.kind === 'process' ? item.pid : item.id}`;
}

/** Ends what carries a run's label on one host, except what is to be kept, until a search finds no more. Never rejects. */
export async function endLabelled(
  executor: Executor,
  runId: string,
  isKept: (item: Labelled) => boolean = () => false,
): Promise<Leftovers> {
  const ended = new Set<string>();
  try {
    for (let round = 0; round < ROUNDS; round++) {
      if (round > 1) await delay(round * BETWEEN_ROUNDS_MS);
      const found = await executor.findLabelled(runId);
      if (found === null) return { count: null, unconfirmed: [] };
      const orphans = found.filter((item) => !isKept(item));
      if (orphans.length === 0) return { count: ended.size, unconfirmed: [] };
      for (const orphan of orphans) ended.add(nameOf(orphan));
      await executor.end(orphans);
    }
    return unconfirmed(executor.host, new Error(`something of run ${runId} is there after every attempt to end it`));
  } catch (thrown) {
    return unconfirmed(executor.host, thrown);
  }
}

/** The sum of what was found in several places. */
export function addLeftovers(all: readonly Leftovers[]): Leftovers {
  return {
    count: all.reduce<number | null>((sum, { count }) => (sum === null || count === null ? null : sum + count), 0),
    unconfirmed: all.flatMap(({ unconfirmed: hosts }) => hosts),
  };
}

/** Ends what runs left whose job host is gone: what is on the hosts, then what served it on this machine. Never rejects. */
export async function endLeftovers(spec: HostsSpec, runIds: readonly string[]): Promise<Leftovers> {
  const perRun = runIds.map(async (runId) => {
    const there = await endOnHosts(spec, runId).catch((thrown: unknown) => unconfirmed('hosts', thrown));
    const here = await endServants(runId).catch((thrown: unknown) => unconfirmed('this machine', thrown));
    return addLeftovers([there, here]);
  });
  return addLeftovers(await Promise.all(perRun));
}

// The job host's own children: clients, holders of locks, and a role that was being started at the very moment
// and has no label of its own yet. Of the run itself they are no part, so they are not counted.
async function endServants(runId: string): Promise<Leftovers> {
  const here = localExecutor('this machine');
  const servants = [CLIENT_LABEL, JOB_HOST_LABEL].map((label) =>
    endLabelled({ ...here, findLabelled: () => findMarked(label, runId) }, runId),
  );
  const { unconfirmed: hosts } = addLeftovers(await Promise.all(servants));
  await endConnections(runId);
  return { count: 0, unconfirmed: hosts };
}

function endOnHosts(spec: HostsSpec, runId: string): Promise<Leftovers> {
  const { container } = spec;
  if (spec.reach.executor === 'slurm') return endAllocations(spec, runId);
  return withPlainHosts(spec, runId, async (executors) => {
    // Nodes that are one machine have the same on them.
    const machines = spec.reach.executor === 'local' ? executors.slice(0, 1) : executors;
    const inside = machines.map((executor) => (container === null ? executor : inContainer(executor, container)));
    return addLeftovers(await Promise.all(inside.map((executor) => clean(executor, runId))));
  });
}

async function clean(executor: Executor, runId: string): Promise<Leftovers> {
  const ended = await endLabelled(executor, runId);
  // Of a host that does not answer one reason is enough; and what may still run may still write.
  if (ended.unconfirmed.length > 0) return ended;
  const scratch = await removeScratch(executor, runId).then(
    () => NOTHING,
    (thrown: unknown) => unconfirmed(executor.host, thrown),
  );
  return addLeftovers([ended, scratch]);
}

// A session that lives and finds its tasks gone asks for jobs of their own.
async function endAllocations(spec: HostsSpec, runId: string): Promise<Leftovers> {
  await cancelSlurmArrays(spec.session);
  const ids = await findAllocations(runId);
  if (ids === null) return { count: null, unconfirmed: ['slurm: squeue does not answer'] };
  const onNodes = await Promise.all(ids.map((id) => cleanNodes(id, spec, runId)));
  await cancelAllocations(ids);
  return addLeftovers([{ count: ids.length, unconfirmed: [] }, ...onNodes]);
}

// With an allocation every process of its steps ends, but no container of a daemon, and no file goes: those go first,
// while their nodes can be reached.
async function cleanNodes(id: string, { container, nodes }: HostsSpec, runId: string): Promise<Leftovers> {
  const executors = await reachSlurmJob(id, { nodes, runId });
  if (executors !== null) {
    const hosts = executors.map((host) => (container === null ? host : inContainer(host, container)));
    return addLeftovers(await Promise.all(hosts.map((host) => clean(host, runId))));
  }
  if (container === null) return NOTHING;
  return {
    count: null,
    unconfirmed: nodes.map(({ name }) => `${name}: job ${id} is over, so nobody can look for containers`),
  };
}

function unconfirmed(where: string, thrown: unknown): Leftovers {
  const message = messageOf(thrown);
  return { count: null, unconfirmed: [message.startsWith(`${where} `) ? message : `${where}: ${message}`] };
}
