import type { Unplaced } from '../config/issues/issues.ts';
import type { PathStep } from '../config/yaml/yaml-source.ts';
import { nearest } from '../core/nearest.ts';
import { isHost, isLoopback, isThisMachine } from './host.ts';
import { isList, isMapping, sshFacts } from './pool-draft.ts';
import type { Fields, PlacedNode, PoolDocument, PoolDraft } from './pool-draft.ts';
import type { PoolNode } from './pool.ts';

/** What to write when a file names no node in any of the three forms. */
export const POOL_FORMS =
  'write a list of hosts, `hosts: [n1, n2]` with what they share, or `nodes: {n1: {gpus: 8, labels: [mi300x]}}`';

/** What stands in another place than its own, or in no place at all: each mistake with where it belongs. */
export function findMisplaced(value: PoolDocument): readonly Unplaced[] {
  if (isList(value)) return factsInList(value, []);
  const { hosts, nodes } = value;
  return [
    ...roleFields(value, []),
    ...(isMapping(nodes) ? Object.entries(nodes).flatMap(([name, node]) => misplacedInNode(name, node)) : []),
    ...(isList(nodes) ? [nodesAsList] : []),
    ...('nodes' in value ? factsBesideNodes(value) : factsInList(hosts, ['hosts'])),
    ...('nodes' in value || 'hosts' in value ? [] : noNodes(value)),
  ];
}

const nodesAsList: Unplaced = {
  path: ['nodes'],
  message: 'is a list',
  hint: 'write `hosts:` for a list of names, or a mapping such as `nodes: {n1: {gpus: 8}}`',
};

function roleFields(fields: Fields, path: readonly PathStep[]): readonly Unplaced[] {
  return ['role', 'roles', 'topology']
    .filter((name) => name in fields)
    .map((name) => ({
      path: [...path, name],
      message: 'a cluster file names nodes only',
      hint: "move roles to `topology:` of the workload's config; nodes are picked by their labels and GPUs",
    }));
}

function misplacedInNode(name: string, node: unknown): readonly Unplaced[] {
  const path = ['nodes', name];
  if (isMapping(node)) return roleFields(node, path);
  const hint = `write what is true of the node, e.g. \`${name}: {gpus: 8}\``;
  return [{ path, message: node === null ? 'says nothing' : `${JSON.stringify(node)} is not a node`, hint }];
}

function factsInList(hosts: unknown, path: readonly PathStep[]): readonly Unplaced[] {
  const entries = isList(hosts) ? [...hosts.entries()] : [];
  return entries
    .filter(([, entry]) => isMapping(entry))
    .map(([index, entry]) => ({
      path: [...path, index],
      message: `${JSON.stringify(entry)} is not a host name`,
      hint: 'write what is true of a single node under `nodes:`, e.g. `nodes: {n1: {gpus: 8}}`',
    }));
}

function factsBesideNodes(fields: Fields): readonly Unplaced[] {
  return ['hosts', 'port', 'user', 'ssh_key', 'gpus', 'labels']
    .filter((name) => name in fields)
    .map((name) => ({
      path: [name],
      message: 'does not stand beside `nodes`',
      hint: name === 'hosts' ? 'name every machine under `nodes`' : 'write it under each node',
    }));
}

// A misspelt `hosts` or `nodes` is one mistake, not an unknown field and a missing one.
function noNodes(fields: Fields): readonly Unplaced[] {
  const isExplained = Object.keys(fields).some((name) => nearest(name, ['hosts', 'nodes']) !== null);
  return isExplained ? [] : [{ path: [], message: 'names no node', hint: POOL_FORMS }];
}

/** What is wrong with the nodes together, or with a node for this executor. */
export function findConflicts(draft: PoolDraft, hasSlurm: boolean): readonly Unplaced[] {
  const { executor, nodes } = draft;
  return [
    ...nodes.flatMap((placed) => badName(placed)),
    ...sameMachines(nodes),
    ...(executor === 'local' ? nodes.flatMap((placed) => notLocal(placed)) : []),
    ...(hasSlurm && executor !== null && executor !== 'slurm' ? [slurmUnused(executor)] : []),
  ];
}

function badName({ path, node: { name } }: PlacedNode): readonly Unplaced[] {
  if (isHost(name)) return [];
  const hint = 'a name is a host name or an IP address; port and user are fields of the node';
  return [{ path, message: `${JSON.stringify(name)} is not accepted as the name of a node`, hint }];
}

const DEFAULT_PORT = 22;

function sameMachines(nodes: readonly PlacedNode[]): readonly Unplaced[] {
  const byName = new Map<string, PoolNode>();
  const byMachine = new Map<string, PoolNode>();
  return nodes.flatMap(({ path, node }) => {
    const twin = remember(byName, node.name.toLowerCase(), node);
    const mate = remember(byMachine, machineOf(node), node);
    if (twin !== null) return [{ path, message: `${node.name} is named already`, hint: hintForTwins(twin, node) }];
    if (mate === null) return [];
    const message = `${node.address.host}, port ${node.address.port ?? DEFAULT_PORT}, is node ${mate.name} already`;
    return [{ path, message, hint: 'remove one of the two, or correct its ip or port' }];
  });
}

/** The node that stands under the key already; null when this one is the first. */
function remember(known: Map<string, PoolNode>, key: string, node: PoolNode): PoolNode | null {
  const first = known.get(key) ?? null;
  if (first === null) known.set(key, node);
  return first;
}

function hintForTwins(one: PoolNode, other: PoolNode): string {
  const isSame = machineOf(one) === machineOf(other);
  return isSame ? 'remove it' : 'give each of the two its own name: `nodes: {a: {ip: n1, port: 2201}, b: ...}`';
}

function machineOf({ address: { host, port } }: PoolNode): string {
  return `${isThisMachine(host) ? 'localhost' : host.toLowerCase()} ${port ?? DEFAULT_PORT}`;
}

function notLocal({ path, node: { address } }: PlacedNode): readonly Unplaced[] {
  if (!isLoopback(address.host)) {
    const message = `${address.host} is not this machine, and executor local reaches no other`;
    return [{ path, message, hint: 'write `executor: ssh`, or remove the node' }];
  }
  const unused = sshFacts(address);
  if (unused.length === 0) return [];
  return [
    {
      path,
      message: `executor local has no use for ${unused.join(', ')}`,
      hint: 'write `executor: ssh`, or remove it',
    },
  ];
}

function slurmUnused(executor: string): Unplaced {
  return {
    path: ['slurm'],
    message: `has no effect with executor ${executor}`,
    hint: 'write `executor: slurm`, or remove it',
  };
}
