import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkGpuBudget, largestOf } from '../../../../src/adapters/shared/gpu-budget.ts';
import { topologySchema } from '../../../../src/config/schema/topology.ts';

const topologyOf = (roles: object) => topologySchema.parse({ roles });

describe('checkGpuBudget', () => {
  it('accepts exactly the products that the role has GPUs for', () => {
    const size = fc.integer({ min: 1, max: 12 });
    const degrees = fc.record({ tp: size, dp: size });
    const server = fc.record({ count: size, gpus_per_node: size });
    fc.assert(
      fc.property(degrees, server, ({ tp, dp }, { count, gpus_per_node }) => {
        const topology = topologyOf({ server: { count, gpus_per_node } });
        const violations = checkGpuBudget({ tp, dp }, 'server', topology);
        expect(violations.length === 0).toBe(tp * dp <= count * gpus_per_node);
      }),
    );
  });

  it('names the largest degree, the whole product and the GPUs', () => {
    const topology = topologyOf({ server: { count: 2, gpus_per_node: 4 } });
    expect(checkGpuBudget({ tp: 4, pp: 1, dp: 5 }, 'server', topology)).toEqual([
      {
        field: 'dp',
        message: 'tp*pp*dp = 4*1*5 = 20, but role server has 8 GPUs (2 nodes x 4)',
        hint: 'make the product at most 8, or raise count or gpus_per_node',
      },
    ]);
  });

  it('writes one degree without a product, and one GPU as one', () => {
    const topology = topologyOf({ server: { count: 1, gpus_per_node: 1 } });
    expect(checkGpuBudget({ tp: 2 }, 'server', topology)).toEqual([
      {
        field: 'tp',
        message: 'tp = 2, but role server has 1 GPU (1 node x 1)',
        hint: 'make it at most 1, or raise count or gpus_per_node',
      },
    ]);
  });

  it('asks for GPUs where only other roles have some', () => {
    const topology = topologyOf({ prefill: { count: 1, gpus_per_node: 8 }, decode: { count: 1 } });
    expect(checkGpuBudget({ tp: 8 }, 'decode', topology)).toEqual([
      {
        field: 'tp',
        message: 'tp = 8, but role decode has 0 GPUs (1 node x 0)',
        hint: 'set gpus_per_node of role decode',
      },
    ]);
  });

  it('counts nothing where all runs on CPUs', () => {
    expect(checkGpuBudget({ tp: 2 }, 'server', topologyOf({ server: { count: 1 } }))).toEqual([]);
  });

  it('leaves a role that is not there to the topology check', () => {
    const topology = topologyOf({ worker: { count: 1, gpus_per_node: 8 } });
    expect(checkGpuBudget({ tp: 2 }, 'server', topology)).toEqual([]);
  });
});

describe('largestOf', () => {
  it('blames the first of equal degrees', () => {
    expect(largestOf({ tp: 1, pp: 4, dp: 4 })).toBe('pp');
  });
});
