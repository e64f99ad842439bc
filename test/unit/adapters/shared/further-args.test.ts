import { describe, expect, it } from 'vitest';
import { jax } from '../../../../src/adapters/jax/index.ts';
import { megatron } from '../../../../src/adapters/megatron/index.ts';
import { furtherArgs } from '../../../../src/adapters/shared/further-args.ts';
import { vllm } from '../../../../src/adapters/vllm/index.ts';
import type { Framework } from '../../../../src/lifecycle/adapter.ts';

const complaints = (given: unknown): readonly string[] => {
  const { error } = furtherArgs({ tensor_parallel_size: 'params.tensor_parallelism' }).safeParse(given);
  return (error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`);
};

describe('furtherArgs', () => {
  it('takes any flag that has no place of its own', () => {
    const free = { 'max-loras': 4, tokenizer: 'x', 'pad-token-id': 0, max_tokens: 1, 'bypass-cache': true };
    expect(complaints(free)).toEqual([]);
  });

  it.each(['tensor-parallel-size', '--tensor_parallel_size', 'no-tensor-parallel-size'])('refuses %s', (flag) => {
    expect(complaints({ [flag]: 8 })).toEqual([`${flag}: set params.tensor_parallelism instead`]);
  });

  it.each(['api-key', 'API_KEY', 'hf_token', 'hftoken', '--ssl-password', 'gh-pat', 'pgpass'])(
    'refuses %s, which would be written into manifests',
    (flag) => {
      expect(complaints({ [flag]: 'x' })).toHaveLength(1);
    },
  );

  it.each<[Framework, Readonly<Record<string, unknown>>, string]>([
    [jax, { steps: 3, extra_args: { ici_tensor_parallelism: 2 } }, 'set params.tp instead'],
    [jax, { steps: 3, extra_args: { per_device_batch_size: 99 } }, 'set params.per_device_batch_size instead'],
    [megatron, { extra_args: { 'tensor-model-parallel-size': 2 } }, 'set params.tp instead'],
    [
      vllm,
      { concurrency: 1, isl: 1, osl: 1, serve_args: { 'max-model-len': 9 } },
      'set params.max_model_length instead',
    ],
  ])('keeps a framework from being set in two places: case %#', ({ spec }, params, message) => {
    expect(spec.params.safeParse(params).error?.issues.map((issue) => issue.message)).toEqual([message]);
  });
});
