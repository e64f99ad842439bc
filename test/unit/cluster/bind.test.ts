import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bindCell } from '../../../src/cluster/bind.ts';
import type { Pool } from '../../../src/cluster/pool.ts';
import type { Topology } from '../../../src/config/topology.ts';

const role = (count: number, gpus = 0, selector = '') => ({ count, gpus_per_node: gpus, selector });
const pool = (...nodes: [name: string, gpus: number, ...labels: string[]][]): Pool => ({
  nodes: nodes.map(([name, gpus, ...labels]) => ({ name, gpus, labels })),
});

describe('bindCell', () => {
  it('takes the first nodes that fit, roles in order', () => {
    const topology = { roles: { prefill: role(1, 8, 'mi300x'), decode: role(2, 8, 'mi300x'), router: role(1) } };
    const four = pool(['n0', 8, 'h100'], ['n1', 8, 'mi300x'], ['n2', 8, 'mi300x'], ['n3', 8, 'mi300x']);
    expect(bindCell(topology, four)).toEqual({
      state: 'bound',
      hosts: { prefill: ['n1'], decode: ['n2', 'n3'], router: ['n0'] },
    });
  });

  it('shares no node between two roles with GPUs, even when both would fit', () => {
    const topology = { roles: { a: role(1, 4), b: role(1, 4) } };
    expect(bindCell(topology, pool(['n1', 8]))).toEqual({
      state: 'unbound',
      reason: 'insufficient_nodes',
      detail: 'insufficient_nodes (need 1, have 0)',
    });
  });

  it('wants every label of a selector', () => {
    const topology = { roles: { a: role(1, 0, 'gpu, fast') } };
    expect(bindCell(topology, pool(['n1', 0, 'gpu'], ['n2', 0, 'gpu', 'fast']))).toMatchObject({
      hosts: { a: ['n2'] },
    });
  });

  it('never over-commits a node, never binds one twice in a role, and always answers alike', () => {
    const roles = fc.dictionary(
      fc.stringMatching(/^[a-z]{1,3}$/),
      fc.record({
        count: fc.integer({ min: 1, max: 4 }),
        gpus_per_node: fc.integer({ min: 0, max: 8 }),
        selector: fc.constantFrom('', 'x', 'x y'),
      }),
      { minKeys: 1, maxKeys: 4 },
    );
    const nodes = fc.uniqueArray(
      fc.record({
        name: fc.stringMatching(/^n\d{1,2}$/),
        gpus: fc.integer({ min: 0, max: 8 }),
        labels: fc.subarray(['x', 'y']),
      }),
      { selector: ({ name }) => name, maxLength: 6 },
    );
    fc.assert(
      fc.property(roles, nodes, (byName, list) => {
        const topology: Topology = { roles: byName };
        const binding = bindCell(topology, { nodes: list });
        expect(bindCell(topology, { nodes: list })).toEqual(binding);
        if (binding.state === 'unbound') return;
        const used = new Map<string, number>();
        for (const [name, hosts] of Object.entries(binding.hosts)) {
          expect(hosts).toHaveLength(byName[name]!.count);
          expect(new Set(hosts).size).toBe(hosts.length);
          for (const host of hosts) used.set(host, (used.get(host) ?? 0) + byName[name]!.gpus_per_node);
        }
        for (const { name, gpus } of list) expect(used.get(name) ?? 0).toBeLessThanOrEqual(gpus);
      }),
    );
  });
});
