import type { RunContext } from './adapter.ts';

/**
 * Ends whatever still carries the run's label after its teardown, on every host.
 * Answers how many processes that were; null when a host cannot tell.
 */
export async function removeOrphans(context: RunContext): Promise<number | null> {
  const hosts = new Set(Object.values(context.request.hosts).flat());
  let count: number | null = 0;
  for (const host of hosts) {
    const executor = context.executor(host);
    const pids = await executor.findLabelled(context.request.runId);
    if (pids === null) count = null;
    else {
      executor.kill(pids);
      if (count !== null) count += pids.length;
    }
  }
  return count;
}
