import { z } from 'zod';
import { furtherArgs, ownersOf } from '../shared/further-args.ts';
import { lengthFields, loadFields, modelFields, portSchema, refuse } from '../shared/serving-params.ts';

const tokens = z.int().min(1);

/** Options of `sglang.launch_server` for prefill and decode servers alike. */
export const serveFields = {
  ...modelFields,
  mem_fraction_static: z
    .number()
    .positive()
    .max(1)
    .exactOptional()
    .describe("Share of each GPU's memory for weights and KV cache, 0 to 1."),
  chunked_prefill_size: z
    .int()
    .min(-1)
    .refine((size) => size !== 0, 'a number of tokens, or -1')
    .meta({ not: { const: 0 } })
    .exactOptional()
    .describe('Tokens of a prompt that one step takes; -1 takes prompts whole.'),
  max_prefill_tokens: tokens.exactOptional().describe('Prompt tokens that one batch takes at most.'),
  max_running_requests: z.int().min(1).exactOptional().describe('Requests that a server works on at the same time.'),
  page_size: tokens.exactOptional().describe('Tokens in a page of the KV cache.'),
  schedule_policy: z
    .string()
    .min(1)
    .exactOptional()
    .describe('Which waiting request comes first, e.g. `lpm` or `fcfs`.'),
  schedule_conservativeness: z
    .number()
    .positive()
    .exactOptional()
    .describe('How carefully requests are admitted; higher when running ones are often retracted.'),
  disable_radix_cache: z.boolean().exactOptional().describe('Keeps no KV cache of earlier requests.'),
  disable_cuda_graph: z.boolean().exactOptional().describe('Runs without CUDA or HIP graphs.'),
  cuda_graph_max_bs: z.int().min(1).exactOptional().describe('Largest batch that a CUDA or HIP graph is captured for.'),
  enable_torch_compile: z.boolean().exactOptional().describe('Compiles the model with torch.compile.'),
  enable_two_batch_overlap: z
    .boolean()
    .exactOptional()
    .describe('Overlaps the communication of one half of a batch with the computation of the other.'),
  moe_a2a_backend: z
    .string()
    .min(1)
    .exactOptional()
    .describe('How tokens travel between expert groups, e.g. `deepep` or `mori`.'),
  deepep_mode: z.enum(['auto', 'normal', 'low_latency']).exactOptional().describe('How DeepEP exchanges tokens.'),
  disaggregation_transfer_backend: z
    .enum(['mooncake', 'mooncake_tcp', 'nixl', 'mori', 'ascend', 'fake'])
    .default('mooncake')
    .describe('What carries the KV cache from prefill to decode; `fake` carries nothing.'),
  disaggregation_ib_device: z
    .string()
    .min(1)
    .exactOptional()
    .describe('Network devices of the transfer, e.g. `rdma0,rdma1`. Absent: the backend finds them.'),
  disaggregation_bootstrap_port: portSchema
    .exactOptional()
    .describe('Port on which prefill servers introduce themselves to decode servers.'),
  num_reserved_decode_tokens: tokens
    .exactOptional()
    .describe('Tokens of output that a decode server reserves memory for when it admits a request.'),
  log_level: z
    .enum(['debug', 'info', 'warning', 'error', 'critical'])
    .exactOptional()
    .describe('How much the servers log.'),
};

/** Ports of the roles; hosts come from the binding. */
export const portFields = {
  prefill_port: portSchema.default(30_001).describe('Port of a prefill server.'),
  decode_port: portSchema.default(30_002).describe('Port of a decode server.'),
  router_port: portSchema.default(8000).describe('Port of the router, where the load goes.'),
  prefill_dist_init_port: portSchema
    .default(40_001)
    .describe('Port on which the nodes of one prefill server find each other.'),
  decode_dist_init_port: portSchema
    .default(40_002)
    .describe('Port on which the nodes of one decode server find each other.'),
};

const POLICIES = [
  'random',
  'round_robin',
  'cache_aware',
  'power_of_two',
  'manual',
  'consistent_hashing',
  'prefix_hash',
] as const;

/** Options of `sglang_router.launch_router`. */
export const routerFields = {
  prefill_policy: z
    .enum([...POLICIES, 'bucket'])
    .exactOptional()
    .describe('How the router picks a prefill server. Absent: `cache_aware`.'),
  decode_policy: z
    .enum(POLICIES)
    .exactOptional()
    .describe('How the router picks a decode server. Absent: `cache_aware`.'),
  cache_threshold: z
    .number()
    .min(0)
    .max(1)
    .exactOptional()
    .describe('Share of a prompt that must be cached for `cache_aware` to follow the cache, 0 to 1.'),
  balance_abs_threshold: z
    .int()
    .min(0)
    .exactOptional()
    .describe("Requests by which the servers' loads may differ before `cache_aware` balances."),
  balance_rel_threshold: z
    .number()
    .min(1)
    .exactOptional()
    .describe("Ratio by which the servers' loads may differ before `cache_aware` balances."),
  max_concurrent_requests: z
    .int()
    .min(1)
    .exactOptional()
    .describe('Requests that the router lets in at the same time.'),
  queue_size: z
    .int()
    .min(0)
    .exactOptional()
    .describe('Requests that wait until the router lets them in; 0 turns them away.'),
  queue_timeout_secs: z.int().min(1).exactOptional().describe('Seconds until a waiting request is turned away.'),
};

const gspFields = {
  gsp_num_groups: z
    .int()
    .min(1)
    .exactOptional()
    .describe('generated-shared-prefix: groups of prompts with one beginning each.'),
  gsp_prompts_per_group: z.int().min(1).exactOptional().describe('generated-shared-prefix: prompts in each group.'),
  gsp_system_prompt_len: z
    .int()
    .min(0)
    .exactOptional()
    .describe('generated-shared-prefix: length of the shared beginning, tokens.'),
  gsp_question_len: tokens.exactOptional().describe('generated-shared-prefix: length of what differs, tokens.'),
  gsp_output_len: tokens.exactOptional().describe('generated-shared-prefix: output length, tokens.'),
};

/** Options of `sglang.bench_serving`. */
export const benchFields = {
  dataset_name: z
    .enum(['random', 'random-ids', 'sharegpt', 'burstgpt', 'generated-shared-prefix'])
    .default('random')
    .describe("Which prompts are sent; `sharegpt` and `burstgpt` are read from the config's `dataset:`."),
  bench_backend: z
    .enum(['sglang', 'sglang-oai', 'sglang-oai-chat'])
    .default('sglang')
    .describe('How a request is spelled: the native way, as a completion, or as a chat completion.'),
  flush_cache: z.boolean().exactOptional().describe("Empties the servers' caches before the measured requests."),
  ...loadFields,
  ...lengthFields,
  ...gspFields,
};

const ALIASES = {
  tensor_parallelism: ['tp', 'tp_size', 'tensor_parallel_size'],
  pipeline_parallelism: ['pp_size', 'pipeline_parallel_size'],
  data_parallelism: ['dp', 'dp_size', 'data_parallel_size'],
  expert_parallelism: ['ep', 'ep_size', 'expert_parallel_size'],
};

/** What sets the flags in which the servers of a role must agree with the rest of the cell. */
function serverOwners(prefix: '' | 'prefill_' | 'decode_'): Readonly<Record<string, string>> {
  const degrees = Object.entries(ALIASES).flatMap(([name, flags]) =>
    flags.map((flag) => [flag, `params.${prefix}${name}`]),
  );
  return {
    ...(Object.fromEntries(degrees) as Readonly<Record<string, string>>),
    enable_dp_attention: 'params.enable_dp_attention',
    disaggregation_transfer_backend: 'params.disaggregation_transfer_backend',
    context_length: 'params.max_model_length',
    port: prefix === '' ? 'params.prefill_port and params.decode_port' : `params.${prefix}port`,
    model: 'model',
    model_path: 'model',
    random_seed: 'seed',
    host: 'topology.roles',
    nnodes: 'topology.roles',
    node_rank: 'topology.roles',
    dist_init_addr: 'topology.roles',
    disaggregation_mode: 'topology.roles',
  };
}

const routerOwners = {
  ...ownersOf(routerFields),
  policy: 'params.prefill_policy and params.decode_policy',
  port: 'params.router_port',
  host: 'topology.roles',
  prefill: 'topology.roles',
  decode: 'topology.roles',
  pd_disaggregation: 'topology.roles',
};

const benchOwners = {
  ...ownersOf(benchFields),
  backend: 'params.bench_backend',
  max_concurrency: 'params.concurrency',
  warmup_requests: 'params.num_warmups',
  random_input_len: 'params.isl',
  random_output_len: 'params.osl',
  sharegpt_output_len: 'params.osl',
  dataset_path: 'dataset.path',
  model: 'model',
  seed: 'seed',
  port: 'params.router_port',
  host: 'topology.roles',
  base_url: 'topology.roles',
};

/** Further flags of each tool. */
export const argFields = {
  serve_args: furtherArgs({
    ...serverOwners(''),
    ...ownersOf(serveFields),
    attention_backend: 'knobs.attention',
  }).describe('Flags of `sglang.launch_server`, for prefill and decode alike.'),
  prefill_serve_args: furtherArgs(serverOwners('prefill_')).describe(
    'Flags of the prefill servers alone; they win over those of both.',
  ),
  decode_serve_args: furtherArgs(serverOwners('decode_')).describe(
    'Flags of the decode servers alone; they win over those of both.',
  ),
  router_args: furtherArgs(routerOwners).describe('Flags of `sglang_router.launch_router`.'),
  bench_args: furtherArgs(benchOwners).describe('Flags of `sglang.bench_serving`.'),
};

interface SharedPrefix extends z.output<z.ZodObject<typeof gspFields>> {
  readonly dataset_name: string;
  readonly osl?: number;
}

/** Refuses lengths of the generated-shared-prefix dataset where another is sent, and the other way round. */
export function checkSharedPrefix(payload: z.core.ParsePayload<SharedPrefix>): void {
  const { dataset_name, osl, ...rest } = payload.value;
  if (dataset_name === 'generated-shared-prefix') {
    if (osl !== undefined) refuse(payload, 'osl', 'set gsp_output_len instead');
    return;
  }
  for (const field of Object.keys(gspFields)) {
    if (field in rest) refuse(payload, field, 'remove it, or set dataset_name: generated-shared-prefix');
  }
}
