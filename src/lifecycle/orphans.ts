import type { Labelled } from '../exec/executor.ts';
import { addLeftovers, endLabelled } from '../exec/leftovers.ts';
import type { Leftovers } from '../exec/leftovers.ts';
import type { JobContext } from './context.ts';

/**
 * Ends whatever still carries the run's label after its teardown, on every host,
 * except the servers that are kept for the next run.
 */
export async function removeOrphans(context: JobContext, kept: readonly Labelled[]): Promise<Leftovers> {
  if (!context.hasStarted) return { count: 0, unconfirmed: [] };
  const { on, runId } = context.request;
  const isKept = (item: Labelled): boolean => kept.some((server) => belongsTo(item, server));
  return addLeftovers(
    await Promise.all(on.nodes.map(({ name }) => endLabelled(context.executor(name), runId, isKept))),
  );
}

function belongsTo(item: Labelled, server: Labelled): boolean {
  if (item.kind === 'process') return server.kind === 'process' && item.session === server.session;
  return item.kind === server.kind && item.id === server.id;
}
