import { z } from 'zod';

const roleSchema = z.strictObject({
  count: z.int().min(1),
  gpus_per_node: z.int().min(0).default(0),
  selector: z.string().default(''),
});

/** What nodes a workload needs: a count, GPUs per node and a label selector for each role. */
export const topologySchema = z.strictObject({
  roles: z
    .record(z.string().regex(/^[a-z][a-z0-9_]*$/), roleSchema)
    .refine((roles) => Object.keys(roles).length > 0, 'at least one role'),
});

/** The roles of a workload, in launch order. */
export type Topology = z.output<typeof topologySchema>;

/** `disagg` when prefill and decode are apart, `distributed` on more than one node, else `single`. */
export function topologyKind(topology: Topology): 'single' | 'distributed' | 'disagg' {
  const roles = Object.entries(topology.roles);
  const names = roles.map(([name]) => name);
  if (names.includes('prefill') && names.includes('decode')) return 'disagg';
  const nodes = roles.reduce((sum, [, role]) => sum + role.count, 0);
  return nodes > 1 ? 'distributed' : 'single';
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
