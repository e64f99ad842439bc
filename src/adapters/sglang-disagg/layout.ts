import { WorkloadFailure } from '../../evidence/failure.ts';
import type { RunRequest } from '../../lifecycle/adapter.ts';
import { degreesOf } from './parallelism.ts';
import type { ModelRole, Parallelism } from './parallelism.ts';

/** One server of a role, and the nodes that it runs on, the leader first: only that one serves. */
export interface ServerNodes {
  readonly role: ModelRole;
  readonly hosts: readonly [leader: string, ...others: string[]];
}

/**
 * The servers of a role: one per node, or one over several nodes where its degrees need more GPUs than a node has. Throws a
 * setup_failure where its nodes do not come to whole servers.
 */
export function serversOf(
  { cell, hosts }: Pick<RunRequest, 'cell' | 'hosts'>,
  role: ModelRole,
  params: Parallelism,
): readonly ServerNodes[] {
  const bound = hosts[role] ?? [];
  const perServer = nodesPerServer(params, role, cell.topology.roles[role]?.gpus_per_node ?? 0);
  if (bound.length === 0) throw new WorkloadFailure('setup_failure', `the topology has no role "${role}" - add it`);
  if (bound.length % perServer !== 0) {
    const message = `role ${role} has ${bound.length} nodes, and each of its servers takes ${perServer}`;
    throw new WorkloadFailure('setup_failure', `${message} - set its count to a multiple of ${perServer}`);
  }
  return Array.from({ length: bound.length / perServer }, (_, index) => {
    const [leader = '', ...others] = bound.slice(index * perServer, (index + 1) * perServer);
    return { role, hosts: [leader, ...others] };
  });
}

function nodesPerServer(params: Parallelism, role: ModelRole, gpusPerNode: number): number {
  const gpus = Object.values(degreesOf(params, role)).reduce((product, degree) => product * degree, 1);
  return gpusPerNode === 0 ? 1 : Math.ceil(gpus / gpusPerNode);
}
