import { z } from 'zod';
import { defineFramework } from '../../config/schema/framework.ts';
import type { Violation } from '../../config/schema/framework.ts';
import { gpusOfRole } from '../../config/schema/topology.ts';
import { furtherArgs, ownersOf } from '../shared/further-args.ts';
import { checkProduct } from '../shared/parallelism.ts';
import { trainerKnobs } from '../shared/training/knobs.ts';

const count = z.int().min(1);
const degree = count.default(1);

/** The degrees whose product is the number of GPUs, in the order that torchtitan builds its mesh in. */
const DEGREES = [
  'pipeline_parallel_degree',
  'data_parallel_replicate_degree',
  'data_parallel_shard_degree',
  'context_parallel_degree',
  'tensor_parallel_degree',
] as const;

/** Options of torchtitan under their own names, without the section that they are in. */
const fields = {
  config_file: z
    .string()
    .min(1)
    .exactOptional()
    .describe('TOML file that torchtitan starts from, of releases that read one.'),
  module: z
    .string()
    .min(1)
    .exactOptional()
    .describe('Module whose registry holds the config, e.g. llama3, of releases without TOML files.'),
  config: z
    .string()
    .min(1)
    .exactOptional()
    .describe('Config of the registry that torchtitan starts from, e.g. llama3_8b.'),
  model_name: z.string().min(1).exactOptional().describe('Which model to train; only with config_file.'),
  flavor: z.string().min(1).exactOptional().describe('Size of the model, e.g. 8B; only with config_file.'),

  pipeline_parallel_degree: degree.describe('Pipeline parallel: stages that the layers are cut into.'),
  data_parallel_replicate_degree: degree.describe('Data parallel: whole copies of the model.'),
  data_parallel_shard_degree: degree.describe('Fully sharded data parallel: ranks that share one copy of the model.'),
  context_parallel_degree: degree.describe('Context parallel: ranks that split each sequence between them.'),
  tensor_parallel_degree: degree.describe('Tensor parallel: ranks that share the work of each layer.'),
  expert_parallel_degree: degree.describe(
    'Expert parallel: of the ranks of the other degrees, how many the experts of a layer are spread over.',
  ),

  steps: count.describe('Steps of the run.'),
  local_batch_size: count.default(8).describe('Sequences of one data-parallel rank at a time.'),
  global_batch_size: count
    .exactOptional()
    .describe('Sequences of one step on all ranks; left out, every data-parallel rank takes its local batch once.'),
  seq_len: z.int().min(2).default(2048).describe('Length of a training sequence, tokens.'),
  log_freq: count.default(10).describe('Steps between two log lines: each line is one point of every series.'),
  max_norm: z.number().positive().exactOptional().describe('Longest gradient that is applied unscaled.'),
  mixed_precision_param: z
    .enum(['bfloat16', 'float32'])
    .exactOptional()
    .describe('Number format that weights are computed in.'),

  compile: z.boolean().default(false).describe('Compiles each transformer block with torch.compile.'),
  float8: z
    .enum(['tensorwise', 'rowwise', 'rowwise_with_gw_hp'])
    .exactOptional()
    .describe('Computes linear layers in float8, scaled so; only with config_file, elsewhere the config says it.'),
  activation_checkpoint: z
    .enum(['none', 'selective', 'full'])
    .exactOptional()
    .describe('Activations that are computed again in the backward pass instead of kept.'),

  lr: z.number().positive().exactOptional().describe('Peak learning rate.'),
  warmup_steps: z.int().min(0).exactOptional().describe('Steps that the learning rate warms up.'),
  enable_checkpoint: z.boolean().default(false).describe('Writes checkpoints.'),
  checkpoint_interval: count.exactOptional().describe('Steps between two checkpoints.'),
};

/** The params of torchtitan by the option that each is, its section included. */
export const OPTIONS = {
  model_name: 'model.name',
  flavor: 'model.flavor',
  pipeline_parallel_degree: 'parallelism.pipeline_parallel_degree',
  data_parallel_replicate_degree: 'parallelism.data_parallel_replicate_degree',
  data_parallel_shard_degree: 'parallelism.data_parallel_shard_degree',
  context_parallel_degree: 'parallelism.context_parallel_degree',
  tensor_parallel_degree: 'parallelism.tensor_parallel_degree',
  expert_parallel_degree: 'parallelism.expert_parallel_degree',
  steps: 'training.steps',
  local_batch_size: 'training.local_batch_size',
  global_batch_size: 'training.global_batch_size',
  seq_len: 'training.seq_len',
  log_freq: 'metrics.log_freq',
  max_norm: 'training.max_norm',
  mixed_precision_param: 'training.mixed_precision_param',
  compile: 'compile.enable',
  activation_checkpoint: 'activation_checkpoint.mode',
  lr: 'optimizer.lr',
  warmup_steps: 'lr_scheduler.warmup_steps',
  enable_checkpoint: 'checkpoint.enable',
  checkpoint_interval: 'checkpoint.interval',
} as const satisfies Partial<Readonly<Record<keyof typeof fields, string>>>;

/** Which param sets an option that is not free. */
const owners = {
  ...ownersOf(fields),
  ...Object.fromEntries(Object.entries(OPTIONS).map(([param, option]) => [option, `params.${param}`])),
  'job.config_file': 'params.config_file',
  'quantize.linear.float8.recipe_name': 'params.float8',
  'debug.seed': 'seed',
};

/** The params of a torchtitan cell, axis values included. What is left out is left to torchtitan's own config. */
export const torchtitanParams = z.strictObject({
  ...fields,
  extra_args: furtherArgs(owners).describe(
    'Further options of torchtitan with their section, without dashes, e.g. training.max_norm.',
  ),
});

/** The params of a torchtitan cell, validated. */
export type TorchtitanParams = z.output<typeof torchtitanParams>;

function checkConfig({
  config_file,
  module,
  config,
  model_name,
  flavor,
  float8,
}: TorchtitanParams): readonly Violation[] {
  const isToml = config_file !== undefined;
  const isRegistered = module !== undefined && config !== undefined;
  const hint = 'name a config_file, or a module and its config';
  if (isToml && (module !== undefined || config !== undefined)) {
    return [{ field: 'config_file', message: 'torchtitan starts from one config, and these are two', hint }];
  }
  if (!isToml && !isRegistered) {
    const field = module === undefined && config !== undefined ? 'config' : 'module';
    return [{ field, message: 'torchtitan needs a config to start from', hint }];
  }
  const tomlOnly = Object.entries({ model_name, flavor, float8 }).find(([, value]) => value !== undefined);
  if (isToml || tomlOnly === undefined) return [];
  const [field] = tomlOnly;
  return [
    {
      field,
      message: `${field} is an option beside a config_file only`,
      hint: 'choose a config of the registry that says it',
    },
  ];
}

/** Ranks that each have their own part of the batch. */
export function dataRanks(params: TorchtitanParams): number {
  return params.data_parallel_replicate_degree * params.data_parallel_shard_degree;
}

function checkBatches(params: TorchtitanParams): readonly Violation[] {
  const { local_batch_size: local, global_batch_size: global } = params;
  const step = local * dataRanks(params);
  if (global === undefined || global % step === 0) return [];
  return [
    {
      field: 'global_batch_size',
      message: `global_batch_size = ${global} is no multiple of local_batch_size times the data-parallel ranks = ${step}`,
      hint: `make it a multiple of ${step}`,
    },
  ];
}

/** What the config loader must know of torchtitan. */
export const torchtitanSpec = defineFramework({
  name: 'torchtitan',
  workloadKind: 'training',
  params: torchtitanParams,
  knobs: z.looseObject(trainerKnobs({ attention: 'Attention kernels, e.g. sdpa, flex.', computesIn: 'float8' })),
  roles: { required: ['worker'], optional: [] },
  container: 'optional',
  pathParams: ['config_file'],
  constraints: (cell) => [...checkProduct(cell, DEGREES), ...checkConfig(cell.params), ...checkBatches(cell.params)],
  ranks: ({ topology }) => gpusOfRole(topology, 'worker'),
  axisTokens: {
    local_batch_size: 'lbs',
    global_batch_size: 'gbs',
    seq_len: 'seq',
    tensor_parallel_degree: 'tp',
    pipeline_parallel_degree: 'pp',
    data_parallel_replicate_degree: 'dp',
    data_parallel_shard_degree: 'fsdp',
    context_parallel_degree: 'cp',
    expert_parallel_degree: 'ep',
    compile: 'compile',
    float8: 'float8',
    activation_checkpoint: 'ac',
    steps: 'steps',
  },
  metrics: [
    'loss',
    'throughput',
    'step_time_ms',
    'grad_norm',
    'mem_used_gb',
    'tflops_per_gpu',
    'tokens_per_gpu',
    'mfu',
    'eval_loss',
  ],
  predicates: ['loss_finite', 'no_straggler'],
});
