import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bindCell } from '../../../src/cluster/bind.ts';
import { localPool } from '../../../src/cluster/pool.ts';
import type { Pool, PoolNode } from '../../../src/cluster/pool.ts';
import type { Topology } from '../../../src/config/schema/topology.ts';

const role = (count: number, gpus = 0, selector = '') => ({ count, gpus_per_node: gpus, selector });
const node = (name: string, gpus: number | null, labels: readonly string[] | null): PoolNode => ({
  name,
  address: { host: name, port: null, user: null, sshKey: null },
  gpus,
  labels,
});
const poolOf = (nodes: readonly PoolNode[]): Pool => ({ executor: 'ssh', slurm: null, sshConfig: null, nodes });
const pool = (...nodes: [name: string, gpus: number, ...labels: string[]][]): Pool =>
  poolOf(nodes.map(([name, gpus, ...labels]) => node(name, gpus, labels)));
const hostList = (...names: string[]): Pool => poolOf(names.map((name) => node(name, null, null)));

/** The hosts of each role, or the detail of the reason. */
const bind = (roles: Topology['roles'], nodes: Pool): unknown => {
  const binding = bindCell({ roles }, nodes);
  return binding.state === 'bound' ? binding.hosts : binding.detail;
};

describe('bindCell', () => {
  it('takes the first nodes that fit, roles in order', () => {
    const four = pool(['n0', 8, 'h100'], ['n1', 8, 'mi300x'], ['n2', 8, 'mi300x'], ['n3', 8, 'mi300x']);
    const roles = { prefill: role(1, 8, 'mi300x'), decode: role(2, 8, 'mi300x'), router: role(1) };
    expect(bind(roles, four)).toEqual({ prefill: ['n1'], decode: ['n2', 'n3'], router: ['n0'] });
  });

  it('lets a role without GPUs share the node of one with GPUs, whichever comes first', () => {
    const one = pool(['n1', 8]);
    expect(bind({ router: role(1), server: role(1, 8) }, one)).toEqual({ router: ['n1'], server: ['n1'] });
    expect(bind({ server: role(1, 8), router: role(1) }, one)).toEqual({ server: ['n1'], router: ['n1'] });
  });

  it.each(['gpu fast', 'gpu, fast', ' fast,gpu ', 'gpu\tfast'])(
    'wants every label of the selector "%s"',
    (selector) => {
      expect(bind({ a: role(1, 0, selector) }, pool(['n1', 0, 'gpu'], ['n2', 0, 'fast', 'gpu']))).toEqual({
        a: ['n2'],
      });
    },
  );

  it('takes labels whole and as they are written', () => {
    const wanting = (selector: string) => bind({ a: role(1, 0, selector) }, pool(['n1', 0, 'mi300x']));
    expect(wanting('mi300')).toBe('no_matching_node (no node has the label mi300; did you mean mi300x?)');
    expect(wanting('MI300X')).toBe('no_matching_node (no node has the label MI300X; did you mean mi300x?)');
  });

  it('puts any role on the nodes of a plain host list, one with GPUs each', () => {
    const roles = { prefill: role(1, 8, 'mi300x'), decode: role(1, 4, 'mi355x nvme') };
    expect(bind(roles, hostList('n1', 'n2'))).toEqual({ prefill: ['n1'], decode: ['n2'] });
    expect(bind(roles, hostList('n1'))).toBe('insufficient_nodes (need 2, have 1)');
  });

  it('carries the reason beside its detail', () => {
    expect(bindCell({ roles: { server: role(1, 8) } }, localPool)).toEqual({
      state: 'unbound',
      reason: 'insufficient_gpus',
      detail: 'insufficient_gpus (server needs 8 GPUs a node; 0 of 1 node has them, the most is 0)',
    });
  });
});

describe('the reason of an unbound cell', () => {
  const four = pool(['n1', 8, 'mi300x'], ['n2', 8, 'mi300x'], ['n3', 8, 'mi300x', 'nvme'], ['n4', 4, 'cpu']);

  it('is the number of nodes when there are too few for all roles together', () => {
    expect(bind({ server: role(4, 8, 'mi300x') }, four)).toBe('insufficient_nodes (need 4, have 3)');
    expect(bind({ prefill: role(2, 8), decode: role(6, 8) }, four)).toBe('insufficient_nodes (need 8, have 3)');
    expect(bind({ a: role(1, 4), b: role(1, 4) }, pool(['n1', 8]))).toBe('insufficient_nodes (need 2, have 1)');
    expect(bind({ server: role(1) }, pool())).toBe('insufficient_nodes (need 1, have 0)');
    expect(bind({ server: role(1, 8, 'mi300x') }, pool())).toBe('insufficient_nodes (need 1, have 0)');
  });

  it('counts a node that two roles could use once, and leaves roles without GPUs out', () => {
    const roles = { router: role(1), prefill: role(2, 8, 'mi300x'), decode: role(2, 8, 'mi300x') };
    expect(bind(roles, four)).toBe('insufficient_nodes (need 4, have 3)');
  });

  it('is one role when the nodes would do for all of them together', () => {
    expect(bind({ any: role(2, 4), nvme: role(1, 8, 'nvme'), more: role(1, 8, 'mi300x') }, four)).toBe(
      'insufficient_nodes (more needs 1, has 0 left after any and nvme)',
    );
    expect(bind({ prefill: role(1, 8), decode: role(1, 8, 'x') }, pool(['n1', 8, 'x'], ['n2', 8]))).toBe(
      'insufficient_nodes (decode needs 1, has 0 left after prefill)',
    );
    expect(bind({ fast: role(2, 8, 'nvme'), slow: role(1, 4) }, four)).toBe('insufficient_nodes (fast needs 2, has 1)');
    expect(bind({ server: role(1, 8), client: role(5) }, four)).toBe('insufficient_nodes (client needs 5, has 4)');
  });

  it('is the GPUs when enough nodes match, or none of those that match has them', () => {
    const mixed = pool(['n1', 8, 'a'], ['n2', 4, 'a'], ['n3', 2, 'a'], ['n4', 1, 'b']);
    expect(bind({ server: role(2, 8) }, mixed)).toBe(
      'insufficient_gpus (server needs 8 GPUs a node, on 2 nodes; 1 of 4 nodes has them, the most of the others is 4)',
    );
    expect(bind({ server: role(3, 4, 'a') }, mixed)).toBe(
      'insufficient_gpus (server needs 4 GPUs a node, on 3 nodes; 2 of 3 nodes with a have them, the most of the others is 2)',
    );
    expect(bind({ server: role(1, 16) }, mixed)).toBe(
      'insufficient_gpus (server needs 16 GPUs a node; 0 of 4 nodes have them, the most is 8)',
    );
    expect(bind({ server: role(3, 2, 'b') }, mixed)).toBe(
      'insufficient_gpus (server needs 2 GPUs a node, on 3 nodes; 0 of 1 node with b has them, the most is 1)',
    );
    expect(bind({ server: role(1, 1) }, localPool)).toBe(
      'insufficient_gpus (server needs 1 GPU a node; 0 of 1 node has them, the most is 0)',
    );
  });

  it('is a label that no node has, with the nearest when it is misspelt', () => {
    const wanting = (selector: string) => bind({ server: role(1, 8, selector) }, four);
    expect(wanting('mi355x')).toBe('no_matching_node (no node has the label mi355x; labels here: mi300x, nvme, cpu)');
    expect(wanting('mi300x, nvne')).toBe('no_matching_node (no node has the label nvne; did you mean nvme?)');
    expect(bind({ server: role(1, 0, 'x') }, pool(['n1', 8]))).toBe(
      'no_matching_node (no node has the label x; the nodes here have none)',
    );
  });

  it('is the combination when each label is there', () => {
    const wanting = (selector: string) => bind({ server: role(1, 0, selector) }, four);
    expect(wanting('cpu nvme')).toBe('no_matching_node (no node has both cpu and nvme)');
    expect(wanting('mi300x, nvme, cpu')).toBe('no_matching_node (no node has all of mi300x, nvme and cpu)');
  });
});

describe('any cell in any pool', () => {
  const anyRole = fc.record({
    count: fc.integer({ min: 1, max: 4 }),
    gpus_per_node: fc.integer({ min: 0, max: 8 }),
    selector: fc.constantFrom('', 'x', 'y', 'x y', 'z'),
  });
  const anyRoles = fc.dictionary(fc.stringMatching(/^[a-z]{1,3}$/), anyRole, { minKeys: 1, maxKeys: 4 });
  const anyNode = fc.record({
    name: fc.stringMatching(/^n\d{1,2}$/),
    gpus: fc.option(fc.integer({ min: 0, max: 8 })),
    labels: fc.option(fc.subarray(['x', 'y'])),
  });
  const anyNodes = fc
    .uniqueArray(anyNode, { selector: ({ name }) => name, maxLength: 7 })
    .map((nodes) => nodes.map(({ name, gpus, labels }) => node(name, gpus, labels)));

  const serves = ({ gpus_per_node, selector }: Topology['roles'][string], { gpus, labels }: PoolNode): boolean =>
    (gpus === null || gpus >= gpus_per_node) &&
    (labels === null || selector.split(' ').every((label) => label === '' || labels.includes(label)));

  it('is bound to nodes that fit, each role to as many as it asks for, and always to the same', () => {
    fc.assert(
      fc.property(anyRoles, anyNodes, (roles, nodes) => {
        const binding = bindCell({ roles }, poolOf(nodes));
        expect(bindCell({ roles }, poolOf(nodes))).toEqual(binding);
        if (binding.state === 'unbound') return;
        const byName = new Map(nodes.map((one) => [one.name, one]));
        expect(Object.keys(binding.hosts)).toEqual(Object.keys(roles));
        for (const [name, hosts] of Object.entries(binding.hosts)) {
          expect(hosts).toHaveLength(roles[name]!.count);
          expect(new Set(hosts).size).toBe(hosts.length);
          for (const host of hosts) expect(serves(roles[name]!, byName.get(host)!)).toBe(true);
        }
      }),
    );
  });

  it('puts no two roles with GPUs on one node', () => {
    fc.assert(
      fc.property(anyRoles, anyNodes, (roles, nodes) => {
        const binding = bindCell({ roles }, poolOf(nodes));
        if (binding.state === 'unbound') return;
        const withGpus = Object.entries(binding.hosts).filter(([name]) => roles[name]!.gpus_per_node > 0);
        const used = withGpus.flatMap(([, hosts]) => hosts);
        expect(new Set(used).size).toBe(used.length);
      }),
    );
  });

  it('stays where it is when a node joins the end of the pool', () => {
    fc.assert(
      fc.property(anyRoles, anyNodes, anyNode, (roles, nodes, { gpus, labels }) => {
        const before = bindCell({ roles }, poolOf(nodes));
        fc.pre(before.state === 'bound');
        expect(bindCell({ roles }, poolOf([...nodes, node('late', gpus, labels)]))).toEqual(before);
      }),
    );
  });

  it('of one role is unbound only when no set of nodes would do', () => {
    fc.assert(
      fc.property(anyRole, anyNodes, (server, nodes) => {
        const subsets = Array.from({ length: 2 ** nodes.length }, (_, mask) =>
          nodes.filter((_node, index) => (mask >> index) % 2 === 1),
        );
        const isPossible = subsets.some(
          (chosen) => chosen.length === server.count && chosen.every((one) => serves(server, one)),
        );
        expect(bindCell({ roles: { server } }, poolOf(nodes)).state).toBe(isPossible ? 'bound' : 'unbound');
      }),
    );
  });

  it('says why in whole sentences', () => {
    fc.assert(
      fc.property(anyRoles, anyNodes, (roles, nodes) => {
        const binding = bindCell({ roles }, poolOf(nodes));
        if (binding.state === 'bound') return;
        expect(binding.detail).toMatch(new RegExp(`^${binding.reason} \\([^()]+\\)$`));
        expect(binding.detail).not.toMatch(/undefined|null|NaN|Infinity| {2}|-\d/);
      }),
    );
  });
});
