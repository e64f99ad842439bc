import { describe, expect, it } from 'vitest';
import { plan } from '../../../../src/adapters/megatron/launch.ts';
import { commandsOf, requestOf } from './planned.ts';
import type { Asked } from './planned.ts';

/** The options of the script on the first node: `--seed 3`, `--bf16`. */
function optionsOf(asked: Asked): readonly string[] {
  const [{ args } = { args: [] }] = commandsOf(asked);
  const script = args.findIndex((word) => word.endsWith('pretrain_gpt.py'));
  return args
    .slice(script + 1)
    .join(' ')
    .split(/ (?=--)/);
}

const refusalOf = (asked: Asked): string => {
  try {
    plan(requestOf(asked));
    return '';
  } catch (thrown) {
    return String(thrown);
  }
};

describe('what is started for a training', () => {
  it('is torchrun on every node, with one rank per GPU and the first node as the meeting point', () => {
    const commands = commandsOf({ nodes: 3, params: { dp: 24 } });
    const port = commands[0]?.args[9];
    expect(Number(port)).toBeGreaterThanOrEqual(20_000);
    expect(Number(port)).toBeLessThan(30_000);
    expect(commands.map(({ file, args }) => [file, ...args.slice(0, 11)].join(' '))).toEqual(
      [0, 1, 2].map(
        (rank) =>
          `torchrun --nnodes 3 --nproc-per-node 8 --node-rank ${rank} --master-addr 10.0.0.1.test --master-port ${port} pretrain_gpt.py`,
      ),
    );
    expect(new Set(commands.map(({ args }) => args.slice(11).join(' '))).size).toBe(1);
  });

  it('is the model, the batch and the rest in the own words of Megatron-LM', () => {
    const params = { tp: 2, dp: 4, micro_batch_size: 4, global_batch_size: 64, sequence_length: 8192, train_iters: 60 };
    expect(optionsOf({ params: { ...params, tokenizer_model: 'meta-llama/Llama-3.1-8B' }, more: { seed: 7 } })).toEqual(
      [
        '--num-layers 32',
        '--hidden-size 4096',
        '--ffn-hidden-size 14336',
        '--num-attention-heads 32',
        '--group-query-attention',
        '--num-query-groups 8',
        '--position-embedding-type rope',
        '--rotary-base 500000',
        '--normalization RMSNorm',
        '--swiglu',
        '--disable-bias-linear',
        '--untie-embeddings-and-output-weights',
        '--attention-dropout 0',
        '--hidden-dropout 0',
        '--max-position-embeddings 131072',
        '--tensor-model-parallel-size 2',
        '--pipeline-model-parallel-size 1',
        '--micro-batch-size 4',
        '--global-batch-size 64',
        '--seq-length 8192',
        '--train-iters 60',
        '--eval-iters 0',
        '--seed 7',
        '--bf16',
        '--optimizer adam',
        '--lr 0.0001',
        '--tokenizer-type HuggingFaceTokenizer',
        '--tokenizer-model meta-llama/Llama-3.1-8B',
        '--mock-data',
        '--no-gradient-accumulation-fusion',
        '--log-interval 1',
        '--log-throughput',
      ],
    );
  });

  it.each<[string, Asked, string[]]>([
    [
      'fp8',
      { params: { precision: 'TE_FP8', fp8_recipe: 'mxfp8' } },
      ['--bf16', '--transformer-impl transformer_engine', '--fp8-format hybrid', '--fp8-recipe mxfp8'],
    ],
    ['fp16', { params: { precision: 'TE_FP16' } }, ['--fp16']],
    [
      'all data ranks sharded',
      { params: { fsdp: 8, dp: 1 } },
      ['--use-torch-fsdp2', '--ckpt-format torch_dist', '--no-gradient-accumulation-fusion'],
    ],
    [
      'a part of them sharded',
      { params: { fsdp: 4, dp: 2 } },
      [
        '--use-megatron-fsdp',
        '--data-parallel-sharding-strategy optim_grads_params',
        '--use-distributed-optimizer',
        '--num-distributed-optimizer-instances 2',
        '--ckpt-format fsdp_dtensor',
      ],
    ],
    [
      'a context and experts',
      { params: { dp: 8, cp: 2, ep: 4 } },
      ['--context-parallel-size 2', '--expert-model-parallel-size 4'],
    ],
    [
      'groups computed again',
      { params: { recompute: 'full' } },
      ['--recompute-granularity full', '--recompute-method uniform', '--recompute-num-layers 1'],
    ],
    [
      'blocks computed again',
      { params: { recompute: 'full', recompute_method: 'block' } },
      ['--recompute-method block', '--recompute-num-layers 32'],
    ],
    ['attention computed again', { params: { recompute: 'selective' } }, ['--recompute-granularity selective']],
    [
      'a schedule',
      { params: { lr: 0.5, min_lr: 0.25, lr_warmup_iters: 3, lr_decay_style: 'cosine' } },
      ['--lr 0.5', '--min-lr 0.25', '--lr-warmup-iters 3', '--lr-decay-style cosine'],
    ],
    [
      'switches',
      { params: { sequence_parallel: true, rope_fusion: false } },
      ['--sequence-parallel', '--no-rope-fusion'],
    ],
    [
      'the timers of its ranks',
      { params: { rank_timers: true } },
      ['--timing-log-level 2', '--timing-log-option all', '--no-barrier-with-level-1-timing', '--logging-level 20'],
    ],
    ['no tokenizer', {}, ['--tokenizer-type NullTokenizer', '--vocab-size 128256']],
    ['attention of its own', { more: { knobs: { attention: 'aiter' } } }, ['--attention-backend fused']],
    [
      'a dataset',
      { params: { mock_data: false }, more: { dataset: { id: 'mine', path: '/data/mine_text_document.bin' } } },
      ['--data-path /data/mine_text_document'],
    ],
    [
      'a smaller model of the family before',
      { params: { model_size: 7, tokenizer_model: 'NousResearch/Llama-2-7b-chat-hf' } },
      ['--ffn-hidden-size 11008', '--rotary-base 10000'],
    ],
    [
      'further options',
      { params: { extra_args: { 'num-layers': 2, moe_grouped_gemm: true, 'bias-swiglu-fusion': false } } },
      ['--num-layers 2', '--moe-grouped-gemm', '--no-bias-swiglu-fusion'],
    ],
  ])('is for %s what Megatron-LM calls so', (_, asked, options) => {
    const params = { dp: (asked.params?.['fsdp'] ?? 1) === 1 ? 8 : 1, ...asked.params };
    expect(optionsOf({ ...asked, params })).toEqual(expect.arrayContaining(options));
  });

  it.each<[string, Asked, string]>([
    ['seed of 0, which Megatron-LM refuses', { more: { seed: 0 } }, '--seed'],
    ['attention where none is asked', {}, '--attention-backend'],
    ['timers where none are asked', {}, '--timing-log'],
    ['pause in the data', { params: { mock_data: false }, more: { dataset: { id: 'a', path: '/a' } } }, '--mock-data'],
    ['word for AMD on another GPU', { gpu: 'h100' }, '--no-gradient-accumulation-fusion'],
  ])('has no %s', (_, asked, option) => {
    const options = optionsOf({ ...asked, params: { dp: 8, ...asked.params } });
    expect(options.filter((one) => one.startsWith(option))).toEqual([]);
  });

  it.each<[string, Asked, Record<string, string>]>([
    ['AMD', {}, { CUDA_DEVICE_MAX_CONNECTIONS: '1', TZ: 'UTC', NVTE_DEBUG: '1', GPU_MAX_HW_QUEUES: '2' }],
    ['sharding', { params: { fsdp: 8, dp: 1 } }, { CUDA_DEVICE_MAX_CONNECTIONS: '8' }],
    ['AITER', { more: { knobs: { attention: 'aiter' } } }, { NVTE_FUSED_ATTN_CK: '1', NVTE_CK_USES_BWD_V3: '1' }],
    ['tuning', { params: { gemm_tuning: true } }, { TE_HIPBLASLT_TUNING_RUN_COUNT: '10' }],
  ])('has the environment that %s needs', (_, asked, env) => {
    expect(commandsOf({ ...asked, params: { dp: 8, ...asked.params } })[0]?.env).toMatchObject(env);
  });

  it('has nothing of AMD elsewhere, and nothing that the config says itself', () => {
    expect(commandsOf({ gpu: 'h100', params: { dp: 8 } })[0]?.env).not.toHaveProperty('GPU_MAX_HW_QUEUES');
    const container = { image: 'rocm/megatron-lm:v25.5', env: { CUDA_DEVICE_MAX_CONNECTIONS: '32', TZ: 'Asia/Tokyo' } };
    const env = commandsOf({ params: { dp: 8 }, more: { container } })[0]?.env;
    expect(env).not.toHaveProperty('CUDA_DEVICE_MAX_CONNECTIONS');
    // But for the zone of its stamps, which are read as UTC.
    expect(env).toMatchObject({ TZ: 'UTC' });
  });

  it.each<[string, Asked, string]>([
    [
      'a container of AMD',
      { more: { container: { image: 'rocm/megatron-lm:v25.5' } } },
      '/workspace/Megatron-LM/pretrain_gpt.py',
    ],
    [
      'a folder of its own',
      { params: { megatron_root: '/opt/m' }, more: { container: { image: 'x' } } },
      '/opt/m/pretrain_gpt.py',
    ],
    ['the working folder', {}, 'pretrain_gpt.py'],
  ])('is the script of %s', (_, asked, script) => {
    expect(commandsOf({ ...asked, params: { dp: 8, ...asked.params } })[0]?.args).toContain(script);
  });

  it('reads both files of a dataset beside its config', () => {
    const more = { dataset: { id: 'mine', path: 'data/mine' } };
    const [command] = commandsOf({ params: { dp: 8, mock_data: false }, more });
    expect(command?.reads?.map((path) => path.replace(/^.*\/(?=data\/)/, ''))).toEqual([
      'data/mine.bin',
      'data/mine.idx',
    ]);
  });

  it.each<[string, Asked, string]>([
    [
      'a size that there is not',
      { params: { model_size: 9 } },
      'Llama 3.1 has no model_size 9 - write one of 8, 70, 405',
    ],
    ['no size', { params: { model_size: undefined } }, 'nothing says how large the model is - set params.model_size'],
    ['no dataset', { params: { mock_data: false } }, 'params.mock_data is false, but the config has no dataset.path'],
    ['another attention', { more: { knobs: { attention: 'x' } } }, 'knobs.attention: x is no attention of Megatron-LM'],
  ])('is nothing for %s', (_, asked, message) => {
    expect(refusalOf({ ...asked, params: { dp: 8, ...asked.params } })).toContain(message);
  });
});
