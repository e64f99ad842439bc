import type { RoleHosts } from '../config/identity.ts';
import type { Topology } from '../config/topology.ts';
import type { Pool, PoolNode } from './pool.ts';

/** Where a cell runs, or why it cannot. */
export type Binding =
  | { readonly state: 'bound'; readonly hosts: RoleHosts }
  | {
      readonly state: 'unbound';
      /** Becomes the tag `skipped_<reason>`. */
      readonly reason: 'insufficient_nodes';
      /** The reason with its numbers: `insufficient_nodes (need 4, have 3)`. */
      readonly detail: string;
    };

/**
 * First fit: roles in declaration order take nodes in declaration order. A node
 * fits when it carries every label of the selector and has the GPUs; two
 * roles share a node only when one of them asks for no GPU.
 */
export function bindCell(topology: Topology, pool: Pool): Binding {
  const taken = new Set<string>();
  const hosts: Record<string, readonly string[]> = {};
  for (const [roleName, role] of Object.entries(topology.roles)) {
    const fitting = pool.nodes.filter((node) => matches(role.selector, node) && fits(role, node, taken));
    if (fitting.length < role.count) {
      return {
        state: 'unbound',
        reason: 'insufficient_nodes',
        detail: `insufficient_nodes (need ${role.count}, have ${fitting.length})`,
      };
    }
    const chosen = fitting.slice(0, role.count).map((node) => node.name);
    if (role.gpus_per_node > 0) for (const name of chosen) taken.add(name);
    hosts[roleName] = chosen;
  }
  return { state: 'bound', hosts };
}

function matches(selector: string, node: PoolNode): boolean {
  const wanted = selector.split(/[\s,]+/).filter((label) => label !== '');
  return wanted.every((label) => node.labels.includes(label));
}

/** `taken` are the nodes on which a role with GPUs stands already. */
function fits(role: Topology['roles'][string], node: PoolNode, taken: ReadonlySet<string>): boolean {
  if (role.gpus_per_node === 0) return true;
  return !taken.has(node.name) && node.gpus >= role.gpus_per_node;
}
