import { z } from 'zod';
import { defineFramework } from '../../config/schema/framework.ts';
import type { CellShape, Violation } from '../../config/schema/framework.ts';
import { gpusOfRole } from '../../config/schema/topology.ts';
import { furtherArgs, ownersOf } from '../shared/further-args.ts';
import { checkParallelism, parallelismFields } from '../shared/parallelism.ts';
import { trainerKnobs } from '../shared/training/knobs.ts';

const count = z.int().min(1);
const flag = z.boolean().exactOptional();
const dtype = z.enum(['bfloat16', 'float32', 'float16']);
const options = z.record(z.string().min(1), z.union([z.string(), z.number(), z.boolean()]));

const quantizations = [
  '',
  'fp4',
  'int4',
  'int8',
  'intmp',
  'fp8',
  'fp8_e5m2',
  'fp8_e4m3',
  'fp8_gpu',
  'fp8_full',
  'nanoo_fp8',
  'fp8_nanoo',
  'te_fp8_delayedscaling',
  'te_fp8_currentscaling',
  'te_mxfp8',
  'te_nvfp4',
  'te_nvfp4_no_rht',
] as const;

const rematPolicies = [
  'full',
  'minimal',
  'minimal_with_context',
  'save_dot_with_context_except_mlp',
  'save_dot_except_mlpwi',
  'save_dot_except_mlp',
  'save_qkv_proj',
  'save_out_proj',
  'qkv_proj_offloaded',
  'minimal_offloaded',
  'custom',
] as const;

/** Options of MaxText under its own names, with the `ici_*` and `dcn_*` degrees written as their products. */
const fields = {
  ...parallelismFields,
  cp: count.default(1).describe('Context parallel: of the fsdp ranks, how many split each sequence between them.'),
  ep: count.default(1).describe("Expert parallel: of the fsdp ranks, how many a layer's experts are spread over."),
  num_pipeline_microbatches: z
    .int()
    .min(-1)
    .exactOptional()
    .describe('Parts that a batch passes the pipeline in; -1 is one per stage.'),
  num_layers_per_pipeline_stage: count.exactOptional().describe('Layers of one pipeline stage.'),

  per_device_batch_size: z
    .number()
    .positive()
    .default(12)
    .describe('Sequences of one step for each GPU; a fraction where several GPUs share a sequence.'),
  gradient_accumulation_steps: count.exactOptional().describe('Steps whose gradients are added up before an update.'),
  sequence_length: z
    .int()
    .min(2)
    .default(2048)
    .describe('Length of a training sequence, tokens (`max_target_length`).'),
  steps: count.describe('Steps of the run.'),
  eval_interval: z.int().min(-1).exactOptional().describe('Steps between two evaluations; -1 is none.'),
  eval_steps: z.int().min(-1).exactOptional().describe('Steps of one evaluation; -1 is the whole split.'),

  model_name: z.string().min(1).exactOptional().describe("Model preset of MaxText; left out, the config's model."),
  decoder_block: z.string().min(1).exactOptional().describe('Architecture of the decoder block.'),
  base_emb_dim: count.exactOptional().describe('Width of the residual stream.'),
  base_num_query_heads: count.exactOptional().describe('Query heads of an attention layer.'),
  base_num_kv_heads: count.exactOptional().describe('Key and value heads of an attention layer.'),
  base_num_decoder_layers: count.exactOptional().describe('Layers of the decoder.'),
  base_mlp_dim: count.exactOptional().describe('Width of the feed-forward layers.'),
  head_dim: count.exactOptional().describe('Width of one attention head.'),
  mlp_activations: z
    .array(z.string().min(1))
    .min(1)
    .exactOptional()
    .describe('Activations whose product is what a feed-forward layer computes.'),
  vocab_size: count.exactOptional().describe('Tokens that the model knows.'),
  logits_via_embedding: flag.describe('Reads the logits off the transposed embedding.'),
  normalization_layer_epsilon: z
    .number()
    .positive()
    .exactOptional()
    .describe('What a normalization adds to the variance, so that it never divides by 0.'),
  rope_max_timescale: z
    .number()
    .positive()
    .exactOptional()
    .describe('Longest wavelength of the rotary embedding, tokens.'),
  tokenizer_model: z.string().min(1).exactOptional().describe('Tokenizer, by its name on the Hugging Face hub.'),
  tokenizer_type: z.enum(['sentencepiece', 'huggingface', 'tiktoken']).exactOptional().describe('Kind of tokenizer.'),

  dataset_type: z
    .enum(['synthetic', 'hf', 'grain', 'tfds', 'c4_mlperf', 'olmo_grain'])
    .default('synthetic')
    .describe('Where batches come from; synthetic needs no dataset.'),
  packing: flag.describe('Puts several short texts into one sequence.'),
  max_segments_per_seq: z
    .int()
    .min(-1)
    .exactOptional()
    .describe('Texts that one packed sequence may hold; -1 is any number.'),

  dtype: dtype.default('bfloat16').describe('Number format of activations.'),
  weight_dtype: dtype.default('float32').describe('Number format of weights.'),
  quantization: z
    .enum(quantizations)
    .default('')
    .describe("Number format of the layers' matrix products; empty is that of `dtype`."),
  logits_dot_in_fp32: flag.describe('Computes the logits in float32.'),
  quantize_kvcache: flag.describe('Quantizes the KV cache.'),
  kv_quant_axis: z
    .enum(['', 'dkv', 'heads_and_dkv'])
    .exactOptional()
    .describe('Axes of the KV cache that one scale covers.'),
  kv_quant_dtype: z.enum(['int8', 'int4']).exactOptional().describe('Number format of a quantized KV cache.'),
  checkpoint_is_quantized: flag.describe('Whether the weights of the checkpoint are quantized already.'),

  remat_policy: z
    .enum(rematPolicies)
    .default('full')
    .describe('Activations that are kept for the backward pass; full keeps none and computes all again.'),
  scan_layers: z
    .boolean()
    .default(true)
    .describe('Compiles one layer and loops over it, instead of all of them in a row.'),
  param_scan_axis: z.int().min(0).exactOptional().describe('Axis of the weights that the loop over layers runs along.'),
  optimizer_memory_host_offload: flag.describe('Keeps the optimizer state in the memory of the host.'),
  use_iota_embed: flag.describe('Looks embeddings up by a product with a one-hot matrix.'),
  megablox: flag.describe('Computes experts with the Megablox kernels.'),
  shardy: flag.describe('Partitions with Shardy instead of GSPMD.'),
  enable_dropout: flag.describe('Trains with dropout.'),

  opt_type: z.enum(['adamw', 'adam_pax', 'sgd', 'muon']).exactOptional().describe('What updates the weights.'),
  learning_rate: z.number().positive().exactOptional().describe('Peak learning rate.'),
  warmup_steps_fraction: z.number().min(0).max(1).exactOptional().describe('Share of the steps that warm up.'),
  gradient_clipping_threshold: z
    .number()
    .min(0)
    .exactOptional()
    .describe('Longest gradient that is applied unscaled; 0 never scales.'),

  enable_checkpointing: z.boolean().default(false).describe('Writes checkpoints.'),
  async_checkpointing: flag.describe('Writes checkpoints while the training goes on.'),
  checkpoint_period: count.exactOptional().describe('Steps between two checkpoints.'),
  enable_goodput_recording: flag.describe('Records which time of the run was productive.'),
  monitor_goodput: flag.describe('Reports the productive share of the time while the run goes on.'),
  profiler: z.enum(['', 'xplane', 'nsys']).exactOptional().describe('What profiles the run; empty is nothing.'),
  skip_first_n_steps_for_profiler: z.int().min(0).exactOptional().describe('Steps before the profile starts.'),

  trainer: z
    .string()
    .min(1)
    .exactOptional()
    .describe(
      'Module of the trainer, or path of its script; left out, `maxtext.trainers.pre_train.train`. Before MaxText moved its sources it was `MaxText.train`.',
    ),
  base_config: z
    .string()
    .min(1)
    .exactOptional()
    .describe('Config file that MaxText starts from; left out, its own base.yml.'),
  base_output_directory: z
    .string()
    .min(1)
    .exactOptional()
    .describe('Folder for checkpoints, which every node must see; left out, one of the run that is removed with it.'),

  xla_flags: options.exactOptional().describe('Flags of the XLA compiler, without their dashes.'),
};

const DEGREES = { tensor: 'tp', pipeline: 'pp', data: 'dp', fsdp: 'fsdp', context: 'cp', expert: 'ep' };

/** Which param sets an option that is not free. */
const owners = {
  ...ownersOf(fields),
  max_target_length: 'params.sequence_length',
  tokenizer_path: 'params.tokenizer_model',
  attention: 'knobs.attention',
  run_name: 'the run',
  init_weights_seed: 'seed',
  data_shuffle_seed: 'seed',
  ...Object.fromEntries(
    Object.entries(DEGREES).flatMap(([kind, param]) =>
      ['ici', 'dcn'].map((level) => [`${level}_${kind}_parallelism`, `params.${param}`]),
    ),
  ),
};

/** The params of a jax cell, axis values included. What is left out is left to MaxText. */
export const jaxParams = z.strictObject({
  ...fields,
  extra_args: furtherArgs(owners).describe('Further options of MaxText.'),
});

/** The params of a jax cell, validated. */
export type JaxParams = z.output<typeof jaxParams>;

// MaxText shards weights over fsdp, context and expert alike, so both take their ranks from fsdp.
function checkShares({ fsdp, cp, ep }: JaxParams): readonly Violation[] {
  if (fsdp % (cp * ep) === 0) return [];
  return [
    {
      field: cp === 1 ? 'ep' : 'cp',
      message: `cp*ep = ${cp}*${ep} = ${cp * ep} does not divide fsdp = ${fsdp}`,
      hint: `make cp*ep a divisor of ${fsdp}: both take their ranks from fsdp`,
    },
  ];
}

// Every process writes its shards into the one folder that Orbax commits.
function checkCheckpoints({ params, topology }: CellShape<JaxParams>): readonly Violation[] {
  const nodes = topology.roles['worker']?.count ?? 0;
  if (!params.enable_checkpointing || params.base_output_directory !== undefined || nodes <= 1) return [];
  return [
    {
      field: 'enable_checkpointing',
      message: `checkpoints of ${nodes} nodes need one folder that all of them see`,
      hint: 'name it in base_output_directory',
    },
  ];
}

/** What the config loader must know of jax. */
export const jaxSpec = defineFramework({
  name: 'jax',
  workloadKind: 'training',
  params: jaxParams,
  knobs: z.looseObject(
    trainerKnobs({
      attention: "MaxText's `attention`, e.g. cudnn_flash_te, flash, dot_product.",
      computesIn: 'quantization',
    }),
  ),
  roles: { required: ['worker'], optional: [] },
  container: 'optional',
  ranks: ({ topology }) => gpusOfRole(topology, 'worker'),
  constraints: (cell) => [...checkParallelism(cell), ...checkShares(cell.params), ...checkCheckpoints(cell)],
  axisTokens: {
    per_device_batch_size: 'pdbs',
    sequence_length: 'seq',
    tp: 'tp',
    pp: 'pp',
    dp: 'dp',
    fsdp: 'fsdp',
    cp: 'cp',
    ep: 'ep',
    quantization: 'quant',
    remat_policy: 'remat',
    gradient_accumulation_steps: 'accum',
  },
  metrics: [
    'loss',
    'throughput',
    'step_time_ms',
    'tflops_per_gpu',
    'tokens_per_gpu',
    'eval_loss',
    'checkpoint_save_s',
    'checkpoint_load_s',
  ],
  predicates: ['loss_finite', 'no_straggler'],
});
