import type { Cell } from '../../config/cell.ts';
import { flagWords } from '../shared/flag-words.ts';
import type { Flags } from '../shared/flag-words.ts';
import type { VllmParams } from './params.ts';

/** What a server runs as, on one of its nodes. */
export interface ServeOptions {
  /** Repository on the hub, or absolute path of the weights. */
  readonly model: string;
  /** The name that requests use where it is not that of the model. */
  readonly servedAs: string | undefined;
  readonly params: VllmParams;
  /** What the knobs come to. */
  readonly stack: Flags;
  /** Where it listens, and which of the nodes it is. */
  readonly node: Flags;
}

/** The words of `vllm serve`. */
export function serveWords({ workload }: Pick<Cell, 'workload'>, options: ServeOptions): readonly string[] {
  const { model, servedAs, params, stack, node } = options;
  const flags: Flags = {
    ...node,
    'served-model-name': servedAs,
    revision: workload.model.revision,
    seed: workload.seed,
    'tensor-parallel-size': params.tensor_parallelism,
    'pipeline-parallel-size': moreThanOne(params.pipeline_parallelism),
    'data-parallel-size': moreThanOne(params.data_parallelism),
    'enable-expert-parallel': params.enable_expert_parallel,
    'distributed-executor-backend': params.distributed_executor_backend,
    'max-model-len': params.max_model_length,
    'gpu-memory-utilization': params.gpu_memory_utilization,
    'max-num-seqs': params.max_num_seqs,
    'max-num-batched-tokens': params.max_num_batched_tokens,
    'block-size': params.block_size,
    'cpu-offload-gb': params.cpu_offload_gb,
    'enable-prefix-caching': params.enable_prefix_caching,
    'enable-chunked-prefill': params.enable_chunked_prefill,
    'async-scheduling': params.async_scheduling,
    'scheduling-policy': params.scheduling_policy,
    'enforce-eager': params.enforce_eager,
    ...stack,
    dtype: params.dtype ?? stack['dtype'],
    'kv-cache-dtype': params.kv_cache_dtype,
    quantization: params.quantization ?? stack['quantization'],
    'load-format': params.load_format,
    'trust-remote-code': params.trust_remote_code,
    'tokenizer-mode': tokenizerMode(params),
    ...plainNames(params.serve_args),
  };
  return ['serve', model, ...flagWords(flags)];
}

/** `--flag` as its name alone: further flags may be written either way. */
export function plainNames(flags: Flags = {}): Flags {
  return Object.fromEntries(Object.entries(flags).map(([name, value]) => [name.replace(/^-+/, ''), value]));
}

/** The tokenizer's mode where it is not the default of every version. */
export function tokenizerMode({ tokenizer_mode: mode }: VllmParams): string | undefined {
  return mode === 'auto' ? undefined : mode;
}

function moreThanOne(degree: number): number | undefined {
  return degree > 1 ? degree : undefined;
}
