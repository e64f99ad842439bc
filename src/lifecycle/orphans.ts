import type { Labelled, ProcessId } from '../exec/executor.ts';
import { addLeftovers, endLabelled } from '../exec/leftovers.ts';
import type { Leftovers } from '../exec/leftovers.ts';
import type { JobContext } from './context.ts';

/**
 * Ends whatever a run leaves on its hosts after its teardown, also what a server that it took over
 * from an earlier run has left, except the servers that are kept for the next run.
 */
export async function removeOrphans(context: JobContext): Promise<Leftovers> {
  const { reach, nodes } = context.request.on;
  const names = nodes.map(({ name }) => name);
  // Nodes that are one machine find the same.
  const machines = reach.executor === 'local' ? names.slice(0, 1) : names;
  const places = context.labels.flatMap((label) => machines.map((name) => ({ label, name })));
  const { count, unconfirmed } = addLeftovers(
    await Promise.all(
      places.map(({ label, name }) => {
        const there = reach.executor === 'local' ? names : [name];
        const kept = there.flatMap((host) => context.kept.idsOf(label, host));
        return endLabelled(context.executor(name), label, (item) => kept.some((id) => belongsTo(item, id)));
      }),
    ),
  );
  return { count, unconfirmed: [...new Set(unconfirmed)] };
}

function belongsTo(item: Labelled, kept: ProcessId): boolean {
  if (item.kind === 'container') return kept.kind === 'container' && item.id === kept.id;
  // Which process is a container's own, or prints what it prints, the host cannot tell: all of them
  // stay until the container goes.
  return item.kind === 'process' && (kept.kind === 'container' || item.session === kept.pid);
}
