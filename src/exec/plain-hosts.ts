import type { Executor } from './executor.ts';
import type { HostsSpec } from './hosts.ts';
import { localExecutor } from './local.ts';
import { openSshHosts } from './ssh.ts';

/**
 * Reaches hosts for a moment without waiting for them to be free: to look, or to clean up. There are
 * none with Slurm, whose nodes are reached through an allocation only.
 */
export async function withPlainHosts<T>(
  { reach, nodes }: HostsSpec,
  label: string,
  use: (executors: readonly Executor[]) => Promise<T>,
): Promise<T> {
  switch (reach.executor) {
    case 'local':
      return use(nodes.map(({ name }) => localExecutor(name)));
    case 'slurm':
      return use([]);
    case 'ssh': {
      const { executors, close } = await openSshHosts(nodes, { config: reach.config, runId: label });
      try {
        return await use([...executors.values()]);
      } finally {
        await close();
      }
    }
  }
}
