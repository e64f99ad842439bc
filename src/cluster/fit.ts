import type { Topology } from '../config/schema/topology.ts';
import type { PoolNode } from './pool.ts';

/** What one role asks of its nodes. */
export type Role = Topology['roles'][string];

/** The labels that a selector wants, all of them. */
export function labelsOf(selector: string): readonly string[] {
  return selector.split(/[\s,]+/).filter((label) => label !== '');
}

/** Whether a node carries a label; one whose labels are not stated may carry any. */
export function hasLabel(node: PoolNode, label: string): boolean {
  return node.labels?.includes(label) ?? true;
}

/** The nodes that carry every label of a selector. */
export function matchingNodes(selector: string, nodes: readonly PoolNode[]): readonly PoolNode[] {
  const labels = labelsOf(selector);
  return nodes.filter((node) => labels.every((label) => hasLabel(node, label)));
}

/** The nodes that a role could run on if it were the only one. */
export function capableNodes({ selector, gpus_per_node: need }: Role, nodes: readonly PoolNode[]): readonly PoolNode[] {
  return matchingNodes(selector, nodes).filter(({ gpus }) => gpus === null || gpus >= need);
}
