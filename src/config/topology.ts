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
