import { z } from 'zod';
import { defineFramework } from '../../config/schema/framework.ts';
import type { Violation } from '../../config/schema/framework.ts';
import { gpusOfRole } from '../../config/schema/topology.ts';
import { furtherArgs, ownersOf } from '../shared/further-args.ts';
import { checkParallelism, parallelismFields } from '../shared/parallelism.ts';
import { trainerKnobs } from '../shared/training/knobs.ts';

const count = z.int().min(1);
const share = z.number().min(0).max(1);
const flag = z.boolean().exactOptional();

/** Options of Megatron-LM and its training script under their own names, the degrees of parallelism shortened. */
const fields = {
  ...parallelismFields,
  cp: count.default(1).describe('Context parallel: of the dp*fsdp ranks, how many split each sequence between them.'),
  ep: count.default(1).describe("Expert parallel: ranks that a layer's experts are spread over."),
  num_layers_per_virtual_pipeline_stage: count
    .exactOptional()
    .describe('Layers of one virtual pipeline stage; fewer interleave the stages more finely.'),
  sequence_parallel: flag.describe('Splits what tensor parallelism leaves whole along the sequence.'),

  micro_batch_size: count.default(2).describe('Sequences that a rank takes at a time.'),
  global_batch_size: count
    .exactOptional()
    .describe('Sequences of one iteration on all ranks; left out, every rank takes one micro batch.'),
  sequence_length: z.int().min(2).default(2048).describe('Length of a training sequence, tokens.'),
  train_iters: count.default(10).describe('Iterations of the run.'),
  log_interval: count.default(1).describe('Iterations between two log lines: each line is one point of every series.'),
  eval_interval: count.exactOptional().describe('Iterations between two evaluations.'),
  eval_iters: z.int().min(-1).exactOptional().describe('Iterations of one evaluation; -1 is none.'),

  model_size: z.number().positive().exactOptional().describe('Preset of the training script, billions of parameters.'),
  tokenizer_model: z
    .string()
    .min(1)
    .exactOptional()
    .describe('Tokenizer, by its name on the Hugging Face hub; its family picks the training script.'),
  mock_data: z.boolean().default(true).describe("Trains on generated data; false reads the config's dataset."),
  num_workers: z.int().min(0).exactOptional().describe('Processes of a rank that load data.'),

  precision: z
    .enum(['TE_FP8', 'TE_FP16', 'TE_BF16'])
    .default('TE_BF16')
    .describe('What Transformer Engine computes in.'),
  fp8_format: z
    .enum(['e4m3', 'hybrid'])
    .exactOptional()
    .describe('Number format of TE_FP8: hybrid keeps gradients in e5m2.'),
  fp8_recipe: z
    .enum(['delayed', 'tensorwise', 'blockwise', 'mxfp8'])
    .exactOptional()
    .describe('How TE_FP8 scales its tensors.'),
  recompute: z
    .enum(['none', 'selective', 'full'])
    .default('none')
    .describe(
      'Activations that are computed again in the backward pass instead of kept: none, those of attention, or all.',
    ),
  recompute_method: z
    .enum(['uniform', 'block'])
    .exactOptional()
    .describe('Which layers a full recompute takes: groups of equal size, or the first of every stage.'),
  recompute_num_layers: count.exactOptional().describe('Layers of one uniform group, or of a block.'),

  optimizer: z.enum(['adam', 'sgd']).default('adam').describe('What updates the weights.'),
  lr: z.number().positive().exactOptional().describe('Peak learning rate.'),
  min_lr: z.number().min(0).exactOptional().describe('Learning rate below which the decay does not go.'),
  lr_warmup_iters: z.int().min(0).exactOptional().describe('Iterations of linear warm-up.'),
  lr_decay_iters: count.exactOptional().describe('Iterations that the decay is stretched over.'),
  lr_decay_style: z
    .enum(['constant', 'linear', 'cosine', 'inverse-square-root', 'WSD'])
    .exactOptional()
    .describe('Shape of the decay of the learning rate.'),
  weight_decay: z
    .number()
    .min(0)
    .exactOptional()
    .describe('Decoupled weight decay, per step and unit of learning rate.'),
  clip_grad: z.number().min(0).exactOptional().describe('Longest gradient that is applied unscaled; 0 never scales.'),
  adam_beta1: share.exactOptional().describe("Decay of Adam's running mean of the gradients."),
  adam_beta2: share.exactOptional().describe("Decay of Adam's running mean of the squared gradients."),

  use_distributed_optimizer: flag.describe('Shards the optimizer state over the data-parallel ranks.'),
  overlap_grad_reduce: flag.describe('Reduces gradients while the backward pass still runs.'),
  overlap_param_gather: flag.describe('Gathers parameters while the forward pass already runs.'),
  tp_comm_overlap: flag.describe('Overlaps the exchange of tensor parallelism with its matrix products.'),
  rope_fusion: flag.describe('Applies rotary embeddings in one kernel.'),
  gemm_tuning: flag.describe('Lets hipBLASLt try its kernels on the first iterations.'),

  rank_timers: flag.describe(
    'Logs what every rank computes in an iteration, so that no_straggler can tell a slow one; it costs a little time.',
  ),
  megatron_root: z
    .string()
    .min(1)
    .exactOptional()
    .describe('Folder of Megatron-LM; left out, that of AMD images, or without a container the working folder.'),
};

/** Which param sets an option that is not free. */
const owners = {
  ...ownersOf(fields),
  tensor_model_parallel_size: 'params.tp',
  pipeline_model_parallel_size: 'params.pp',
  context_parallel_size: 'params.cp',
  expert_model_parallel_size: 'params.ep',
  seq_length: 'params.sequence_length',
};

/** The params of a megatron cell, axis values included. What is left out is left to Megatron-LM and its training script. */
export const megatronParams = z.strictObject({
  ...fields,
  extra_args: furtherArgs(owners).describe(
    'Further options of pretrain_gpt.py, without their dashes; true is an option without a value.',
  ),
});

type MegatronParams = z.output<typeof megatronParams>;

// Megatron-LM asserts both, once every rank has started.
function checkBatches({ cp, dp, fsdp, micro_batch_size, global_batch_size }: MegatronParams): readonly Violation[] {
  const dataRanks = (dp * fsdp) / cp;
  if (!Number.isInteger(dataRanks)) {
    return [
      {
        field: 'cp',
        message: `cp = ${cp} does not divide dp*fsdp = ${dp}*${fsdp} = ${dp * fsdp}`,
        hint: `make cp a divisor of ${dp * fsdp}: it takes its ranks from dp and fsdp`,
      },
    ];
  }
  const step = micro_batch_size * dataRanks;
  if (global_batch_size === undefined || global_batch_size % step === 0) return [];
  return [
    {
      field: 'global_batch_size',
      message:
        `global_batch_size = ${global_batch_size} is no multiple of ` +
        `micro_batch_size*dp*fsdp/cp = ${micro_batch_size}*${dp}*${fsdp}/${cp} = ${step}`,
      hint: `make it a multiple of ${step}`,
    },
  ];
}

/** What torch's fully sharded data parallelism, which takes all data-parallel ranks, does not go with; Megatron-LM asserts it. */
function checkSharding({
  dp,
  fsdp,
  pp,
  ep,
  precision,
  use_distributed_optimizer: splits,
}: MegatronParams): readonly Violation[] {
  if (fsdp === 1 || dp > 1) return [];
  const refused = [
    { field: 'pp', isSet: pp > 1, message: `pp = ${pp}`, hint: 'make pp 1, or fsdp 1' },
    { field: 'ep', isSet: ep > 1, message: `ep = ${ep}`, hint: 'make ep 1, or fsdp 1' },
    { field: 'precision', isSet: precision === 'TE_FP16', message: 'precision TE_FP16', hint: 'write TE_BF16' },
    {
      field: 'use_distributed_optimizer',
      isSet: splits === true,
      message: 'use_distributed_optimizer',
      hint: 'remove it: fsdp shards the optimizer state, too',
    },
  ];
  return refused
    .filter(({ isSet }) => isSet)
    .map(({ field, message, hint }) => ({ field, message: `${message} does not go with fsdp = ${fsdp}`, hint }));
}

/** What Megatron-LM wants beside an option, and asserts once every rank has started. */
function checkCompanions(params: MegatronParams): readonly Violation[] {
  const { overlap_param_gather: gathers, overlap_grad_reduce: reduces, tp_comm_overlap: overlaps } = params;
  const isSharded = params.use_distributed_optimizer === true || (params.fsdp > 1 && params.dp > 1);
  const missing = [
    { field: 'overlap_param_gather', isMissing: gathers === true && reduces !== true, needs: 'overlap_grad_reduce' },
    { field: 'overlap_param_gather', isMissing: gathers === true && !isSharded, needs: 'use_distributed_optimizer' },
    {
      field: 'tp_comm_overlap',
      isMissing: overlaps === true && params.sequence_parallel !== true,
      needs: 'sequence_parallel',
    },
  ];
  return missing
    .filter(({ isMissing }) => isMissing)
    .map(({ field, needs }) => ({ field, message: `${field} needs ${needs}`, hint: `set ${needs}: true` }));
}

/** What the config loader must know of megatron. */
export const megatronSpec = defineFramework({
  name: 'megatron',
  workloadKind: 'training',
  params: megatronParams,
  knobs: z.looseObject(trainerKnobs({ attention: 'Attention kernels, e.g. aiter, fa, te.', computesIn: 'precision' })),
  roles: { required: ['worker'], optional: [] },
  container: 'optional',
  constraints(cell) {
    const violations = checkParallelism(cell);
    if (violations.length > 0) return violations;
    return [...checkBatches(cell.params), ...checkSharding(cell.params), ...checkCompanions(cell.params)];
  },
  ranks: ({ topology }) => gpusOfRole(topology, 'worker'),
  axisTokens: {
    micro_batch_size: 'mbs',
    global_batch_size: 'gbs',
    sequence_length: 'seq',
    tp: 'tp',
    pp: 'pp',
    dp: 'dp',
    fsdp: 'fsdp',
    cp: 'cp',
    ep: 'ep',
    train_iters: 'iters',
  },
  metrics: [
    'loss',
    'throughput',
    'step_time_ms',
    'grad_norm',
    'mem_used_gb',
    'tflops_per_gpu',
    'tokens_per_gpu',
    'learning_rate',
    'loss_scale',
    'skipped_iterations',
    'nan_iterations',
    'compute_ms',
  ],
  predicates: ['loss_finite', 'no_straggler'],
});
