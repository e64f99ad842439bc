import { z } from 'zod';

const roleSchema = z
  .strictObject({
    count: z.int().min(1).describe('Nodes that play this role.'),
    gpus_per_node: z.int().min(0).default(0).describe('GPUs that it takes on each of them; 0 takes none.'),
    selector: z
      .string()
      .default('')
      .describe('Labels that a node must have, all of them, with blanks or commas between; empty takes any node.'),
  })
  .meta({ id: 'role', description: 'The nodes that one part of the workload runs on.' });

/** What nodes a workload needs: a count, GPUs per node and a label selector for each role. */
export const topologySchema = z.strictObject({
  roles: z
    .record(z.string().regex(/^[a-z][a-z0-9_]*$/), roleSchema)
    .refine((roles) => Object.keys(roles).length > 0, 'at least one role')
    .meta({ minProperties: 1, description: 'The parts of the workload by name, in launch order.' }),
});

/** The roles of a workload, in launch order. */
export type Topology = z.output<typeof topologySchema>;

/** How a workload is spread over nodes and ranks. */
export type TopologyKind = 'single' | 'distributed' | 'disagg';

/** `disagg` when prefill and decode are apart, `distributed` on more than one node or rank, else `single`. */
export function topologyKind(topology: Topology, ranks: number): TopologyKind {
  const { roles } = topology;
  if (Object.hasOwn(roles, 'prefill') && Object.hasOwn(roles, 'decode')) return 'disagg';
  const nodes = Object.values(roles).reduce((sum, role) => sum + role.count, 0);
  return nodes > 1 || ranks > 1 ? 'distributed' : 'single';
}

/** The GPUs of one role, on all its nodes; 0 for a role that is not there. */
export function gpusOfRole(topology: Topology, name: string): number {
  const role = topology.roles[name];
  return role === undefined ? 0 : role.count * role.gpus_per_node;
}

/** The GPUs of all roles together. */
export function totalGpus(topology: Topology): number {
  return Object.keys(topology.roles).reduce((sum, name) => sum + gpusOfRole(topology, name), 0);
}
