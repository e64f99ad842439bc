import type { PoolNode, Pool } from '../cluster/pool.ts';
import type { Cell } from '../config/cell.ts';
import type { RoleHosts } from '../config/identity.ts';
import type { Reach } from '../config/node-address.ts';
import type { HostsSpec } from '../exec/hosts.ts';

interface SpecOptions {
  readonly pool: Pool;
  /** The id of the session. */
  readonly session: string;
  /** Whether another cell may go on with the servers of this one. */
  readonly mayBeFollowed: boolean;
}

/** How the hosts of a bound cell are reached, and what the cell of a session asks of them. */
export function hostsSpecOf(
  { workload, topology }: Cell,
  hosts: RoleHosts,
  { pool, session, mayBeFollowed }: SpecOptions,
): HostsSpec {
  const { launch, total } = workload.timeouts;
  const names = new Set(Object.values(hosts).flat());
  return {
    reach: reachOf(pool),
    nodes: pool.nodes
      .filter(({ name }) => names.has(name))
      .map(({ name, address }) => ({ name, address, gpus: gpusOn(name) })),
    container: workload.container ?? null,
    isExclusive: workload.exclusive,
    // Time to launch and to tear down on top of the work, and for another cell that takes the servers over.
    timeLimitMs: total + launch + (mayBeFollowed ? total : 0),
    session,
    task: null,
  };

  function gpusOn(name: PoolNode['name']): number {
    const roles = Object.entries(topology.roles).filter(([role]) => hosts[role]?.includes(name) === true);
    return roles.reduce((sum, [, { gpus_per_node: gpus }]) => sum + gpus, 0);
  }
}

function reachOf({ executor, slurm, sshConfig }: Pool): Reach {
  switch (executor) {
    case 'local':
      return { executor };
    case 'ssh':
      return { executor, config: sshConfig };
    case 'slurm':
      return { executor, slurm: slurm ?? { partition: null, account: null, options: [] } };
  }
}
