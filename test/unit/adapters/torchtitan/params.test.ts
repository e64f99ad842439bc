import { describe, expect, it } from 'vitest';
import { torchtitan } from '../../../../src/adapters/torchtitan/index.ts';

const { spec } = torchtitan;
const TOML = { config_file: 'llama3_8b.toml' };
const topology = { roles: { worker: { count: 2, gpus_per_node: 8, selector: '' } } };
const violations = (params: object) =>
  spec.constraints({ params: spec.params.parse({ steps: 30, ...TOML, ...params }), topology });

describe('the degrees of two nodes of eight GPUs', () => {
  it.each([
    [{ data_parallel_shard_degree: 16 }],
    [{ data_parallel_replicate_degree: 2, data_parallel_shard_degree: 8 }],
    [{ data_parallel_shard_degree: 2, context_parallel_degree: 2, tensor_parallel_degree: 4 }],
    [{ pipeline_parallel_degree: 2, data_parallel_shard_degree: 8, expert_parallel_degree: 8 }],
  ])('can be %j', (params) => {
    expect(violations(params)).toEqual([]);
  });

  it('must use every GPU', () => {
    expect(violations({ data_parallel_shard_degree: 8 })).toMatchObject([
      {
        field: 'data_parallel_shard_degree',
        message: expect.stringContaining(' = 1*1*8*1*1 = 8, but role worker has 16 GPUs (2 nodes x 8)'),
        hint: 'make the product 16, or change count or gpus_per_node',
      },
    ]);
  });
});

describe('the config that torchtitan starts from', () => {
  it.each([
    [{}, []],
    [{ config_file: undefined, module: 'llama3', config: 'llama3_8b' }, []],
    [{ config_file: undefined }, ['module']],
    [{ config_file: undefined, config: 'llama3_8b' }, ['config']],
    [{ module: 'llama3' }, ['config_file']],
    [{ config_file: undefined, module: 'llama3', config: 'llama3_8b', flavor: '8B' }, ['flavor']],
    [{ config_file: undefined, module: 'llama3', config: 'llama3_8b', float8: 'rowwise' }, ['float8']],
  ])('in %j is at fault in %j', (params, fields) => {
    const given = Object.fromEntries(
      Object.entries({ ...TOML, ...params, data_parallel_shard_degree: 16 }).filter(([, value]) => value !== undefined),
    );
    const cell = { params: spec.params.parse({ steps: 30, ...given }), topology };
    expect(spec.constraints(cell).map(({ field }) => field)).toEqual(fields);
  });
});

it('takes whole batches of all data-parallel ranks', () => {
  const params = { data_parallel_shard_degree: 16, local_batch_size: 2 };
  expect(violations({ ...params, global_batch_size: 64 })).toEqual([]);
  expect(violations({ ...params, global_batch_size: 48 })).toMatchObject([
    { field: 'global_batch_size', hint: 'make it a multiple of 32' },
  ]);
});

describe('further options', () => {
  const read = (extra_args: object) => spec.params.safeParse({ steps: 1, ...TOML, extra_args });

  it('are those without a param of their own', () => {
    expect(read({ 'training.gc_freq': 10, 'optimizer.name': 'AdamW' }).success).toBe(true);
  });

  it.each([
    ['training.steps', 'set params.steps instead'],
    ['compile.enable', 'set params.compile instead'],
    ['job.config_file', 'set params.config_file instead'],
    ['debug.seed', 'set seed instead'],
  ])('refuse %s', (name, message) => {
    expect(read({ [name]: 1 }).error?.issues).toMatchObject([{ path: ['extra_args', name], message }]);
  });
});

it('gives every axis a token of its own, and names no axis that is not a param', () => {
  const tokens = Object.values(spec.axisTokens);
  expect(new Set(tokens).size).toBe(tokens.length);
  expect(Object.keys(spec.params.shape)).toEqual(expect.arrayContaining(Object.keys(spec.axisTokens)));
});
