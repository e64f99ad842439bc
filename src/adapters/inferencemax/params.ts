import { z } from 'zod';
import { defineFramework } from '../../config/schema/framework.ts';
import { checkGpuBudget } from '../shared/gpu-budget.ts';
import { furtherArgs, ownersOf } from '../shared/further-args.ts';
import {
  checkLengths,
  lengthFields,
  loadFields,
  modelFields,
  portSchema,
  refuse,
  stackKnobs,
  vllmClientFields,
} from '../shared/serving-params.ts';

/** What a server recipe of InferenceMAX reads from its environment. */
const serverFields = {
  server_script: z
    .string()
    .regex(/^[\w.-]+\.sh$/, 'the file name of a recipe, e.g. gptoss_fp4_mi300x.sh')
    .describe(
      'File name of the recipe that starts the server, e.g. `gptoss_fp4_mi300x.sh`; it is found in the repository, else on the PATH.',
    ),
  recipe_sends_load: z
    .boolean()
    .default(false)
    .describe(
      "The recipe sends the load itself and then ends, as those in InferenceX's repository do: how many requests, and how, is then its own matter. False: it only serves.",
    ),
  inferencemax_repo: z
    .string()
    .min(1)
    .refine((repo) => !/^(?:https?:\/\/[^/]*|\w+:\/\/[^/]*:[^/]*)@/i.test(repo), {
      error: 'must not hold credentials: what stands here ends up in manifests; let git of the nodes know them',
    })
    .exactOptional()
    .describe("Repository that the recipes and the load client are cloned from, into the run's scratch folder."),
  inferencemax_ref: z
    .string()
    .min(1)
    .exactOptional()
    .describe('Commit or tag of that repository; without one the run is not repeatable.'),
  inferencemax_path: z
    .string()
    .min(1)
    .exactOptional()
    .describe(
      'Folder of that repository on the nodes, relative to the config file. Absent, and nothing to clone: `/app/InferenceX` of the image.',
    ),
  tensor_parallelism: z.int().min(1).default(1).describe('GPUs that share each layer (`TP`).'),
  expert_parallelism: z
    .int()
    .min(1)
    .default(1)
    .describe('Groups of the tensor parallel GPUs that the experts are spread over (`EP_SIZE`).'),
  dp_attention: z
    .boolean()
    .default(false)
    .describe('Data parallel attention on the tensor parallel GPUs (`DP_ATTENTION`).'),
  spec_decoding: z.string().min(1).default('none').describe('Speculative decoding of the recipe, e.g. `mtp`.'),
  enforce_eager: z.boolean().exactOptional().describe('Runs without CUDA or HIP graphs.'),
  port: portSchema.default(8888).describe('Port of the endpoint.'),
};

/** Options of InferenceMAX's load client, `benchmark_serving.py`. */
const benchFields = {
  ...loadFields,
  num_prompts: z
    .int()
    .min(1)
    .exactOptional()
    .describe('Measured requests. Absent: as many as the load client sends itself, 1000.'),
  num_warmups: loadFields.num_warmups.describe(
    'Requests before the measured ones; they appear in no figure. Absent: twice the concurrency, as InferenceX sends.',
  ),
  concurrency: z.int().min(1).describe('Requests in flight (`CONC`); the recipes have no open loop without it.'),
  dataset_name: z
    .enum(['random', 'sonnet', 'sharegpt', 'burstgpt', 'hf'])
    .default('random')
    .describe("Which prompts are sent; all but the generated ones are read from the config's `dataset:`."),
  bench_backend: z
    .enum(['vllm', 'sglang', 'openai', 'openai-chat'])
    .default('vllm')
    .describe('How a request is spelled.'),
  use_chat_template: z.boolean().exactOptional().describe("Sends each prompt as the model's chat template writes it."),
  ...lengthFields,
  ...vllmClientFields,
  tokenizer_mode: modelFields.tokenizer_mode,
  trust_remote_code: modelFields.trust_remote_code,
};

const benchOwners = {
  ...ownersOf(benchFields),
  backend: 'params.bench_backend',
  max_concurrency: 'params.concurrency',
  random_input_len: 'params.isl',
  random_output_len: 'params.osl',
  goodput: 'thresholds',
  dataset_path: 'dataset.path',
  model: 'model',
  seed: 'seed',
  host: 'topology.roles',
  port: 'params.port',
  base_url: 'topology.roles',
};

interface Groups {
  readonly tensor_parallelism: number;
  readonly expert_parallelism: number;
}

interface Load {
  readonly recipe_sends_load: boolean;
  readonly num_prompts?: number;
}

function checkSender(payload: z.core.ParsePayload<Load>): void {
  const { recipe_sends_load: isSent, num_prompts: prompts } = payload.value;
  if (isSent && prompts !== undefined)
    refuse(payload, 'num_prompts', 'remove it: the recipe decides how many it sends');
}

interface Sources {
  readonly inferencemax_repo?: string;
  readonly inferencemax_ref?: string;
  readonly inferencemax_path?: string;
}

function checkSources(payload: z.core.ParsePayload<Sources>): void {
  const { inferencemax_repo: repo, inferencemax_ref: ref, inferencemax_path: path } = payload.value;
  if (repo !== undefined && path !== undefined) {
    refuse(payload, 'inferencemax_path', 'remove it, or inferencemax_repo: the recipes come from one place');
  }
  if (repo === undefined && ref !== undefined) refuse(payload, 'inferencemax_ref', 'set inferencemax_repo, too');
}

function checkExperts(payload: z.core.ParsePayload<Groups>): void {
  const { tensor_parallelism, expert_parallelism } = payload.value;
  if (tensor_parallelism % expert_parallelism === 0) return;
  refuse(payload, 'expert_parallelism', `set a divisor of tensor_parallelism (${tensor_parallelism})`);
}

/** The params of an inferencemax cell, axis values included. */
export const inferencemaxParams = z
  .strictObject({
    ...serverFields,
    ...benchFields,
    bench_args: furtherArgs(benchOwners).describe(
      "Further flags of the load client; those of the server are the recipe's own.",
    ),
  })
  .check(checkLengths, checkExperts, checkSources, checkSender);

/** The params of an inferencemax cell, validated. */
export type InferencemaxParams = z.output<typeof inferencemaxParams>;

/** What the config loader must know of inferencemax. */
export const inferencemaxSpec = defineFramework({
  name: 'inferencemax',
  workloadKind: 'inference',
  params: inferencemaxParams,
  knobs: z.looseObject(stackKnobs),
  roles: { required: ['server'], optional: ['client'] },
  container: 'optional',
  pathParams: ['inferencemax_path'],
  constraints: ({ params: { tensor_parallelism }, topology }) =>
    checkGpuBudget({ tensor_parallelism }, 'server', topology),
  axisTokens: {
    concurrency: 'conc',
    tensor_parallelism: 'tp',
    expert_parallelism: 'ep',
    dp_attention: 'dpattn',
    spec_decoding: 'spec',
    request_rate: 'rate',
    max_model_length: 'ctx',
    num_prompts: 'prompts',
    random_range_ratio: 'range',
    server_script: 'recipe',
    dataset_name: 'data',
  },
  metrics: [
    'ttft_ms',
    'tpot_ms',
    'itl_ms',
    'e2el_ms',
    'latency_ms',
    'input_tokens',
    'output_tokens',
    'tokens',
    'throughput',
    'throughput_tps',
    'request_throughput',
    'total_token_throughput',
    'queue_depth',
    'requests_running',
    'memory_pressure',
  ],
  predicates: [],
});
