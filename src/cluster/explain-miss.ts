import type { Topology } from '../config/schema/topology.ts';
import { nearest } from '../core/nearest.ts';
import { capableNodes, hasLabel, labelsOf, matchingNodes } from './fit.ts';
import type { Role } from './fit.ts';
import type { PoolNode } from './pool.ts';

/** Why a cell is not bound. */
export interface Miss {
  /** Becomes the tag `skipped_<reason>`. */
  readonly reason: 'insufficient_nodes' | 'insufficient_gpus' | 'no_matching_node';
  /** The reason with its numbers: `insufficient_nodes (need 4, have 3)`. */
  readonly detail: string;
}

/** The first role that found too few nodes, and what it found them among. */
export interface Unserved {
  readonly name: string;
  readonly role: Role;
  /** All roles of the cell, this one included. */
  readonly roles: Topology['roles'];
  readonly nodes: readonly PoolNode[];
  /** Node -> the earlier role that uses its GPUs. */
  readonly taken: ReadonlyMap<string, string>;
}

/** Names what stands in the way of a role: its labels, its GPUs, or the number of its nodes. */
export function explainMiss(unserved: Unserved): Miss {
  const { role, nodes } = unserved;
  const matching = matchingNodes(role.selector, nodes);
  const capable = capableNodes(role, nodes);
  if (nodes.length > 0 && matching.length === 0) {
    return miss('no_matching_node', describeLabels(role.selector, nodes));
  }
  // With GPUs in none of them, more such nodes would not help either.
  const wereEnough = matching.length >= role.count || (matching.length > 0 && capable.length === 0);
  if (wereEnough && capable.length < role.count) return miss('insufficient_gpus', describeGpus(unserved, matching));
  return miss('insufficient_nodes', describeNodes(unserved, capable));
}

function miss(reason: Miss['reason'], why: string): Miss {
  return { reason, detail: `${reason} (${why})` };
}

function describeLabels(selector: string, nodes: readonly PoolNode[]): string {
  const wanted = labelsOf(selector);
  const missing = wanted.find((label) => !nodes.some((node) => hasLabel(node, label)));
  if (missing === undefined) return `no node has ${wanted.length === 2 ? 'both' : 'all of'} ${inWords(wanted)}`;
  const here = [...new Set(nodes.flatMap(({ labels }) => labels ?? []))];
  // A mi300x is another machine, not a misspelt mi355x.
  const meant = nearest(
    missing,
    here.filter((label) => digitsOf(label) === digitsOf(missing)),
  );
  if (meant !== null) return `no node has the label ${missing}; did you mean ${meant}?`;
  return `no node has the label ${missing}; ${here.length === 0 ? 'the nodes here have none' : `labels here: ${here.join(', ')}`}`;
}

function digitsOf(label: string): string {
  return label.replaceAll(/\D/g, '');
}

function describeGpus({ name, role }: Unserved, matching: readonly PoolNode[]): string {
  const { count, gpus_per_node: need, selector } = role;
  const short = matching.filter(({ gpus }) => gpus !== null && gpus < need);
  const have = matching.length - short.length;
  const most = Math.max(...short.map(({ gpus }) => gpus ?? 0));
  const labels = labelsOf(selector);
  return [
    `${name} needs ${counted(need, 'GPU')} a node${count === 1 ? '' : `, on ${count} nodes`}; `,
    `${have} of ${counted(matching.length, 'node')}${labels.length === 0 ? '' : ` with ${inWords(labels)}`} `,
    `${have === 1 || matching.length === 1 ? 'has' : 'have'} them, the most${have === 0 ? '' : ' of the others'} is ${most}`,
  ].join('');
}

function describeNodes({ name, role, roles, nodes, taken }: Unserved, capable: readonly PoolNode[]): string {
  const all = Object.values(roles);
  if (all.length === 1) return `need ${role.count}, have ${capable.length}`;
  if (role.gpus_per_node === 0) return `${name} needs ${role.count}, has ${capable.length}`;
  const withGpus = all.filter(({ gpus_per_node: gpus }) => gpus > 0);
  const need = withGpus.reduce((sum, { count }) => sum + count, 0);
  const have = new Set(withGpus.flatMap((one) => capableNodes(one, nodes))).size;
  if (have < need) return `need ${need}, have ${have}`;
  const left = capable.filter((node) => !taken.has(node.name));
  const takers = new Set(capable.flatMap((node) => taken.get(node.name) ?? []));
  const after = takers.size === 0 ? '' : ` left after ${inWords([...takers])}`;
  return `${name} needs ${role.count}, has ${left.length}${after}`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function inWords(names: readonly string[]): string {
  const last = names.at(-1) ?? '';
  return names.length < 2 ? last : `${names.slice(0, -1).join(', ')} and ${last}`;
}
