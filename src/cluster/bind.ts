import type { RoleHosts } from '../config/identity.ts';
import type { Topology } from '../config/schema/topology.ts';
import { explainMiss } from './explain-miss.ts';
import type { Miss } from './explain-miss.ts';
import { capableNodes } from './fit.ts';
import type { Pool } from './pool.ts';

/** Where a cell runs, or why it cannot. */
export type Binding = { readonly state: 'bound'; readonly hosts: RoleHosts } | ({ readonly state: 'unbound' } & Miss);

/**
 * First fit: roles in declaration order take nodes in declaration order. A node
 * fits when it carries every label of the selector and has the GPUs, as far as
 * the pool says; two roles share a node only when one of them asks for no GPU.
 */
export function bindCell(topology: Topology, pool: Pool): Binding {
  const taken = new Map<string, string>();
  const hosts: Record<string, readonly string[]> = {};
  for (const [name, role] of Object.entries(topology.roles)) {
    const wantsGpus = role.gpus_per_node > 0;
    const fitting = capableNodes(role, pool.nodes).filter((node) => !wantsGpus || !taken.has(node.name));
    if (fitting.length < role.count) {
      return { state: 'unbound', ...explainMiss({ name, role, roles: topology.roles, nodes: pool.nodes, taken }) };
    }
    const chosen = fitting.slice(0, role.count).map((node) => node.name);
    if (wantsGpus) for (const node of chosen) taken.set(node, name);
    hosts[name] = chosen;
  }
  return { state: 'bound', hosts };
}
