import type { z } from 'zod';
import { attentionChoice } from './attention.ts';
import type { ModelOptions } from './model-size.ts';
import type { megatronParams } from './params.ts';

/** The params of a cell, as their schema types them. */
export type MegatronParams = z.output<typeof megatronParams>;

/** Options of pretrain_gpt.py by their names without dashes; `true` is one without a value. */
export type Options = Readonly<Record<string, string | number | true>>;

/** What decides the options of pretrain_gpt.py. */
export interface OptionRequest {
  readonly params: MegatronParams;
  readonly attention: string | undefined;
  readonly model: ModelOptions | null;
  readonly seed: number;
  /** The prefix of the files of the dataset; null for generated data. */
  readonly dataPath: string | null;
  /** Whether the GPUs are AMD's, for which Megatron's own fused kernel is not built. */
  readonly isAmd: boolean;
}

/** The options of pretrain_gpt.py; what `extra_args` says replaces what we derive. */
export function optionsOf(request: OptionRequest): Options {
  const { params, model, attention } = request;
  return {
    ...model?.options,
    'max-position-embeddings': Math.max(model?.maxPositions ?? 0, params.sequence_length),
    ...parallelism(params),
    ...batches(request),
    ...precision(params),
    ...recompute(params, model?.layers),
    ...optimizer(params),
    ...data(request),
    ...(attention === undefined ? {} : { 'attention-backend': attentionChoice(attention)?.backend ?? '' }),
    ...(request.isAmd || params.fsdp > 1 ? { 'no-gradient-accumulation-fusion': true } : {}),
    ...logging(params),
    ...furtherOptions(params.extra_args ?? {}),
  };
}

/** As an argument list. */
export function argumentsOf(options: Options): readonly string[] {
  return Object.entries(options).flatMap(([name, value]) =>
    value === true ? [`--${name}`] : [`--${name}`, String(value)],
  );
}

function parallelism(params: MegatronParams): Options {
  const { tp, pp, cp, ep, num_layers_per_virtual_pipeline_stage: layers } = params;
  return {
    'tensor-model-parallel-size': tp,
    'pipeline-model-parallel-size': pp,
    ...(cp > 1 ? { 'context-parallel-size': cp } : {}),
    ...(ep > 1 ? { 'expert-model-parallel-size': ep } : {}),
    ...given({ 'num-layers-per-virtual-pipeline-stage': layers }),
    ...flags({
      'sequence-parallel': params.sequence_parallel,
      'use-distributed-optimizer': params.use_distributed_optimizer,
      'overlap-grad-reduce': params.overlap_grad_reduce,
      'overlap-param-gather': params.overlap_param_gather,
      'tp-comm-overlap': params.tp_comm_overlap,
    }),
    ...sharding(params),
  };
}

/**
 * Fully sharded data parallelism: over all data-parallel ranks it is torch's; over a part of them, with copies in between,
 * Megatron's own.
 */
function sharding({ dp, fsdp }: MegatronParams): Options {
  if (fsdp === 1) return {};
  if (dp === 1)
    return { 'use-torch-fsdp2': true, 'ckpt-format': 'torch_dist', 'untie-embeddings-and-output-weights': true };
  return {
    'use-megatron-fsdp': true,
    'data-parallel-sharding-strategy': 'optim_grads_params',
    'use-distributed-optimizer': true,
    'num-distributed-optimizer-instances': dp,
    'ckpt-format': 'fsdp_dtensor',
  };
}

function batches({ params, seed }: OptionRequest): Options {
  return {
    'micro-batch-size': params.micro_batch_size,
    ...given({ 'global-batch-size': params.global_batch_size }),
    'seq-length': params.sequence_length,
    'train-iters': params.train_iters,
    ...given({ 'eval-interval': params.eval_interval }),
    // Left out, Megatron would evaluate for a hundred iterations once it has trained.
    'eval-iters': params.eval_iters ?? 0,
    // Megatron takes no seed of 0.
    ...(seed === 0 ? {} : { seed }),
  };
}

function precision({ precision: asked, fp8_format: format, fp8_recipe: recipe }: MegatronParams): Options {
  if (asked === 'TE_FP16') return { fp16: true };
  if (asked === 'TE_BF16') return { bf16: true };
  return {
    bf16: true,
    'transformer-impl': 'transformer_engine',
    'fp8-format': format ?? 'hybrid',
    ...given({ 'fp8-recipe': recipe }),
  };
}

/** A full recompute of groups takes one layer at a time, one of blocks all of them, unless the params say else. */
function recompute(params: MegatronParams, layers: number | undefined): Options {
  const { recompute: asked, recompute_method: method = 'uniform', recompute_num_layers: count } = params;
  if (asked === 'none') return {};
  if (asked === 'selective') return { 'recompute-granularity': 'selective' };
  const whole = method === 'block' ? layers : 1;
  return {
    'recompute-granularity': 'full',
    'recompute-method': method,
    ...given({ 'recompute-num-layers': count ?? whole }),
  };
}

/** The learning rate is one that Megatron must be given. */
const DEFAULT_LR = 1e-4;

function optimizer(params: MegatronParams): Options {
  return {
    optimizer: params.optimizer,
    lr: params.lr ?? DEFAULT_LR,
    ...given({
      'min-lr': params.min_lr,
      'lr-warmup-iters': params.lr_warmup_iters,
      'lr-decay-iters': params.lr_decay_iters,
      'lr-decay-style': params.lr_decay_style,
      'weight-decay': params.weight_decay,
      'clip-grad': params.clip_grad,
      'adam-beta1': params.adam_beta1,
      'adam-beta2': params.adam_beta2,
    }),
    ...(params.rope_fusion === false ? { 'no-rope-fusion': true } : {}),
  };
}

function data({ params, model, dataPath }: OptionRequest): Options {
  const { tokenizer_model: tokenizer } = params;
  return {
    ...(tokenizer === undefined
      ? { 'tokenizer-type': 'NullTokenizer', ...given({ 'vocab-size': model?.vocabulary }) }
      : { 'tokenizer-type': 'HuggingFaceTokenizer', 'tokenizer-model': tokenizer }),
    ...given({ 'num-workers': params.num_workers }),
    ...(dataPath === null ? { 'mock-data': true } : { 'data-path': dataPath }),
  };
}

const INFO = 20;

function logging({ log_interval: interval, rank_timers: hasTimers }: MegatronParams): Options {
  return {
    'log-interval': interval,
    'log-throughput': true,
    ...(hasTimers === true
      ? {
          'timing-log-level': 2,
          'timing-log-option': 'all',
          'no-barrier-with-level-1-timing': true,
          'logging-level': INFO,
        }
      : {}),
  };
}

function furtherOptions(extra: Readonly<Record<string, string | number | boolean>>): Options {
  return Object.fromEntries(
    Object.entries(extra).map(([name, value]) => {
      const plain = name.replace(/^-+/, '').replaceAll('_', '-');
      return value === false ? [`no-${plain}`, true] : [plain, value];
    }),
  );
}

/** Those that have a value. */
function given(options: Readonly<Record<string, string | number | undefined>>): Options {
  return Object.fromEntries(
    Object.entries(options).filter((entry): entry is [string, string | number] => entry[1] !== undefined),
  );
}

/** Those that are on. */
function flags(options: Readonly<Record<string, boolean | undefined>>): Options {
  return Object.fromEntries(Object.entries(options).flatMap(([name, on]) => (on === true ? [[name, true]] : [])));
}
