import { z } from 'zod';
import { defineFramework } from '../../config/schema/framework.ts';
import { checkGpuBudget } from '../shared/gpu-budget.ts';
import { furtherArgs, ownersOf } from '../shared/further-args.ts';
import {
  checkLengths,
  checkLoad,
  lengthFields,
  loadFields,
  modelFields,
  portSchema,
  refuse,
  stackKnobs,
  vllmClientFields,
} from '../shared/serving-params.ts';

/** Options of `vllm serve`. */
const serveFields = {
  tensor_parallelism: z.int().min(1).default(1).describe('GPUs that share each layer.'),
  pipeline_parallelism: z.int().min(1).default(1).describe('Stages that the layers are split into.'),
  data_parallelism: z.int().min(1).default(1).describe('Replicas of the engine behind one endpoint.'),
  enable_expert_parallel: z
    .boolean()
    .exactOptional()
    .describe('Spreads the experts over the tensor and data parallel GPUs instead of slicing each.'),
  distributed_executor_backend: z
    .enum(['mp', 'ray', 'uni', 'external_launcher'])
    .exactOptional()
    .describe('What runs the workers of one engine.'),
  gpu_memory_utilization: z
    .number()
    .positive()
    .max(1)
    .exactOptional()
    .describe("Share of each GPU's memory that the engine may take, 0 to 1."),
  max_num_seqs: z.int().min(1).exactOptional().describe('Requests that the scheduler works on at the same time.'),
  max_num_batched_tokens: z
    .int()
    .min(1)
    .exactOptional()
    .describe('Tokens that one step of the scheduler takes at most.'),
  block_size: z.int().min(1).exactOptional().describe('Tokens in a block of the KV cache.'),
  cpu_offload_gb: z.number().min(0).exactOptional().describe("Weights kept in the host's memory, GiB for each GPU."),
  enable_prefix_caching: z.boolean().exactOptional().describe('Reuses the KV cache of equal beginnings.'),
  enable_chunked_prefill: z
    .boolean()
    .exactOptional()
    .describe('Mixes pieces of long prompts with the decoding of others.'),
  async_scheduling: z.boolean().exactOptional().describe('Prepares the next step while the GPUs work on this one.'),
  scheduling_policy: z.enum(['fcfs', 'priority']).exactOptional().describe('Which waiting request comes first.'),
  enforce_eager: z.boolean().exactOptional().describe('Runs without CUDA or HIP graphs.'),
  port: portSchema.default(8000).describe('Port of the endpoint.'),
  master_port: portSchema.default(29_501).describe('Port on which the nodes of one engine find each other.'),
  ...modelFields,
};

/** Options of `vllm bench serve`. */
const benchFields = {
  load_client: z
    .enum(['vllm_bench', 'assay'])
    .default('vllm_bench')
    .describe(
      'What sends the load: `vllm bench serve` on a node, or our own client from here, which measures an open loop from the scheduled arrivals and makes prompts of exact lengths.',
    ),
  request_timeout_s: z
    .number()
    .positive()
    .exactOptional()
    .describe('Seconds until a request counts as failed; only for `load_client: assay`, 21600 there.'),
  dataset_name: z
    .enum(['random', 'sonnet', 'sharegpt', 'burstgpt', 'hf', 'custom', 'prefix_repetition'])
    .default('random')
    .describe("Which prompts are sent; all but the generated ones are read from the config's `dataset:`."),
  bench_backend: z
    .enum(['vllm', 'openai', 'openai-chat'])
    .default('vllm')
    .describe('How a request is spelled: `vllm` and `openai` ask for completions, `openai-chat` for chat completions.'),
  ignore_eos: z
    .boolean()
    .exactOptional()
    .describe('Generates up to `osl` even when the model has ended. Absent: only for the random dataset.'),
  temperature: z.number().min(0).exactOptional().describe('Sampling temperature; 0 is greedy.'),
  ...loadFields,
  ...lengthFields,
  ...vllmClientFields,
};

const serveOwners = {
  ...ownersOf(serveFields),
  tensor_parallel_size: 'params.tensor_parallelism',
  pipeline_parallel_size: 'params.pipeline_parallelism',
  data_parallel_size: 'params.data_parallelism',
  max_model_len: 'params.max_model_length',
  attention_backend: 'knobs.attention',
  model: 'model',
  seed: 'seed',
  host: 'topology.roles',
  nnodes: 'topology.roles',
  node_rank: 'topology.roles',
  master_addr: 'topology.roles',
};

const benchOwners = {
  ...ownersOf(benchFields),
  backend: 'params.bench_backend',
  max_concurrency: 'params.concurrency',
  random_input_len: 'params.isl',
  random_output_len: 'params.osl',
  sonnet_input_len: 'params.isl',
  sonnet_output_len: 'params.osl',
  sharegpt_output_len: 'params.osl',
  hf_output_len: 'params.osl',
  custom_output_len: 'params.osl',
  goodput: 'thresholds',
  dataset_path: 'dataset.path',
  model: 'model',
  seed: 'seed',
  host: 'topology.roles',
  port: 'params.port',
  base_url: 'topology.roles',
};

interface Client {
  readonly load_client: 'vllm_bench' | 'assay';
  readonly request_timeout_s?: number;
  readonly dataset_name: string;
  readonly ignore_eos?: boolean;
  readonly temperature?: number;
  readonly random_range_ratio?: number;
  readonly random_prefix_len?: number;
  readonly bench_args?: object;
}

/** Refuses what the load client of the cell does not do. */
function checkClient(payload: z.core.ParsePayload<Client>): void {
  const { load_client, request_timeout_s, ...load } = payload.value;
  if (load_client === 'vllm_bench') {
    if (request_timeout_s === undefined) return;
    refuse(payload, 'request_timeout_s', 'remove it, or write load_client: assay: vllm bench serve has none to set');
    return;
  }
  const foreign = {
    dataset_name: load.dataset_name !== 'random',
    random_range_ratio: (load.random_range_ratio ?? 0) !== 0,
    random_prefix_len: (load.random_prefix_len ?? 0) !== 0,
    ignore_eos: load.ignore_eos === false,
    temperature: (load.temperature ?? 0) !== 0,
    bench_args: load.bench_args !== undefined,
  };
  for (const [field, isForeign] of Object.entries(foreign)) {
    if (isForeign)
      refuse(payload, field, 'remove it, or write load_client: vllm_bench: our own client does not do that');
  }
}

/** The params of a vllm cell, axis values included. */
export const vllmParams = z
  .strictObject({
    ...serveFields,
    ...benchFields,
    serve_args: furtherArgs(serveOwners).describe('Further flags of `vllm serve`.'),
    bench_args: furtherArgs(benchOwners).describe('Further flags of `vllm bench serve`.'),
  })
  .check(checkLoad, checkLengths, checkClient);

/** The params of a vllm cell, validated. */
export type VllmParams = z.output<typeof vllmParams>;

/** What the config loader must know of vllm. */
export const vllmSpec = defineFramework({
  name: 'vllm',
  workloadKind: 'inference',
  params: vllmParams,
  knobs: z.looseObject(stackKnobs),
  roles: { required: ['server'], optional: ['client'] },
  container: 'optional',
  constraints: ({ params, topology }) => {
    const { tensor_parallelism, pipeline_parallelism, data_parallelism } = params;
    return checkGpuBudget({ tensor_parallelism, pipeline_parallelism, data_parallelism }, 'server', topology);
  },
  axisTokens: {
    concurrency: 'conc',
    request_rate: 'rate',
    tensor_parallelism: 'tp',
    pipeline_parallelism: 'pp',
    data_parallelism: 'dp',
    max_num_seqs: 'seqs',
    enable_expert_parallel: 'ep',
    max_num_batched_tokens: 'batched',
    gpu_memory_utilization: 'mem',
    max_model_length: 'ctx',
    kv_cache_dtype: 'kv',
    quantization: 'quant',
    block_size: 'block',
    enable_prefix_caching: 'apc',
    enable_chunked_prefill: 'chunked',
    async_scheduling: 'async',
    enforce_eager: 'eager',
    num_prompts: 'prompts',
    random_range_ratio: 'range',
    random_prefix_len: 'prefix',
    dataset_name: 'data',
  },
  metrics: [
    'ttft_ms',
    'tpot_ms',
    'itl_ms',
    'e2el_ms',
    'lateness_ms',
    'input_tokens',
    'output_tokens',
    'throughput',
    'request_throughput',
    'total_token_throughput',
    'goodput',
    'requests_running',
    'queue_depth',
    'memory_pressure',
    'healthy',
  ],
  predicates: ['error_rate', 'health'],
});
