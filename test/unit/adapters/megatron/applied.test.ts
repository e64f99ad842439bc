import { describe, expect, it } from 'vitest';
import { appliedBy } from '../../../../src/adapters/megatron/applied.ts';
import { readArguments } from '../../../../src/adapters/megatron/arguments-block.ts';
import { appliedAttention, attentionChoice } from '../../../../src/adapters/megatron/attention.ts';
import { megatronParams } from '../../../../src/adapters/megatron/params.ts';

const block = (...lines: readonly string[]) => [
  '------------------------ arguments ------------------------',
  ...lines,
  '-------------------- end of arguments ---------------------',
];
const argument = (name: string, value: string) => `  ${name} ${'.'.repeat(48 - name.length)} ${value}`;

/** What a log says was applied, of what was asked. */
function applied(params: Readonly<Record<string, unknown>>, args: Readonly<Record<string, string>>) {
  const lines = block(...Object.entries(args).map(([name, value]) => argument(name, value)));
  const request = { params: megatronParams.parse(params), attention: undefined, args: readArguments(lines), lines };
  return Object.fromEntries(Object.entries(appliedBy(request)).map(([name, { applied: own }]) => [name, own]));
}

describe('the arguments that Megatron-LM prints', () => {
  it('are read from their block, whatever stands before its lines, and from nowhere else', () => {
    const prefixed = block(argument('tensor_model_parallel_size', '8'), argument('data_path', "['a b']")).map(
      (line) => `\u001B[36m[default0]:\u001B[0m${line}`,
    );
    const lines = [argument('seed', '1'), ...prefixed, argument('lr', '0.1'), 'WARNING: seed ........ 2'];
    expect([...readArguments(lines)]).toEqual([
      ['tensor_model_parallel_size', '8'],
      ['data_path', "['a b']"],
    ]);
  });

  it('are the sizes of a run that prints no block', () => {
    const line =
      'using world size: 16, data-parallel size: 2, context-parallel size: 1, hierarchical context-parallel sizes: None, tensor-model-parallel size: 8, pipeline-model-parallel size: 1';
    expect([...readArguments([line])]).toEqual([
      ['world_size', '16'],
      ['data_parallel_size', '2'],
      ['context_parallel_size', '1'],
      ['tensor_model_parallel_size', '8'],
      ['pipeline_model_parallel_size', '1'],
    ]);
  });
});

describe('what is in force', () => {
  it.each([
    ['plain', {}, { dp: 16, fsdp: 1 }],
    ["torch's", { use_torch_fsdp2: 'True' }, { dp: 1, fsdp: 16 }],
    ["Megatron's own", { use_megatron_fsdp: 'True', num_distributed_optimizer_instances: '4' }, { dp: 4, fsdp: 4 }],
  ])('is %s data parallelism', (_, args, expected) => {
    expect(applied({}, { data_parallel_size: '8', context_parallel_size: '2', ...args })).toMatchObject(expected);
  });

  it.each([
    [{ bf16: 'True', fp16: 'False', fp8: 'None' }, 'TE_BF16'],
    [{ bf16: 'True', fp16: 'False', fp8: 'hybrid' }, 'TE_FP8'],
    [{ bf16: 'False', fp16: 'True', fp8: 'None' }, 'TE_FP16'],
    [{ bf16: 'False', fp16: 'False', fp8: 'None' }, null],
  ])('of the precisions in %j is %s', (args, precision) => {
    expect(applied({ precision: 'TE_FP8' }, args)).toMatchObject({ precision });
  });

  it('is unknown where a log does not say it', () => {
    expect(new Set(Object.values(applied({}, { micro_batch_size: 'None' })))).toEqual(new Set([null]));
  });

  it('is compared with the batch that follows from the others', () => {
    const params = megatronParams.parse({ dp: 4, fsdp: 2, cp: 2, micro_batch_size: 3 });
    const request = { params, attention: undefined, args: new Map(), lines: [] };
    expect(appliedBy(request)['global_batch_size']).toEqual({ asked: 12, applied: null });
  });
});

describe('the attention in force', () => {
  const flash = '[INFO     | DotProductAttention]: Running with FlashAttention backend (version 2.7.3)';
  const fused = '[INFO     | DotProductAttention]: Running with FusedAttention backend (sub-backend 1)';
  const unfused = '[INFO     | DotProductAttention]: Running with UnfusedDotProductAttention backend';
  const aiter = '[aiter] import [module_fmha_v3_fwd] under /opt/aiter/jit/module_fmha_v3_fwd.so';
  const gemm = '[aiter] import [module_gemm_a8w8] under /opt/aiter/jit/module_gemm_a8w8.so';

  it.each([
    ['te', [fused], 'te'],
    ['te', [aiter], 'te'],
    ['te', [gemm], null],
    ['fa', [flash, flash], 'fa'],
    ['fa', [flash, fused], 'fused'],
    ['fused', [fused, aiter], 'fused'],
    ['unfused', [unfused], 'unfused'],
    ['aiter', [fused, aiter], 'aiter'],
    ['aiter', [fused], null],
    ['aiter', [aiter, unfused], 'unfused'],
    ['aotriton', [fused], null],
    ['aotriton', [aiter], 'aiter'],
    ['mine', [flash], 'fa'],
    ['fa', ['Running with scissors'], null],
  ])('where %s was asked and %j is printed is %s', (asked, lines, expected) => {
    expect(appliedAttention(asked, lines)).toBe(expected);
  });

  it('must be one that there is', () => {
    expect(() => attentionChoice('flash3')).toThrow(
      'knobs.attention: flash3 is no attention of Megatron-LM - write one of te, fa, fused, unfused, aiter, aotriton',
    );
  });
});
