import { z } from 'zod';
import { defineFramework } from '../../config/schema/framework.ts';
import type { CellShape, Violation } from '../../config/schema/framework.ts';
import { checkGpuBudget, largestOf, productOf, writeProduct } from '../shared/gpu-budget.ts';
import { furtherArgs, ownersOf } from '../shared/further-args.ts';
import { refuse, stackKnobs } from '../shared/serving-params.ts';

const degree = z.int().min(1);
const FLUX = ['flux_t2i'] as const;
const WAN = ['wan_i2v', 'wan_t2v'] as const;

/** Options that both pipelines have. */
const commonFields = {
  pipeline: z
    .enum([...FLUX, ...WAN])
    .describe('What is generated: an image from text (Flux), or a video from an image or from text (Wan).'),
  script: z
    .string()
    .regex(/^\//, 'an absolute path, e.g. /app/Flux/run.py')
    .exactOptional()
    .describe(
      'Script of the pipeline on the nodes or in the image. Absent: `/app/Flux/run_usp.py` for Flux, `/app/Wan2.2/run.py` for Wan.',
    ),
  prompt: z.string().min(1).describe('What the picture shows.'),
  num_inference_steps: z
    .int()
    .min(1)
    .exactOptional()
    .describe('Denoising steps. Absent: as many as the pipeline takes itself.'),
  ulysses_degree: degree.default(1).describe('GPUs that share the heads of the attention; a process for each.'),
  ring_degree: degree.default(1).describe('GPUs that share the sequence in a ring.'),
  use_torch_compile: z.boolean().default(false).describe('Compiles the model with torch.compile.'),
  use_fp8_gemms: z.boolean().exactOptional().describe('Multiplies matrices in FP8.'),
};

/** Options of the Flux pipeline alone. */
const fluxFields = {
  negative_prompt: z.string().exactOptional().describe('What the picture must not show.'),
  height: z.int().min(1).exactOptional().describe('Height of the image, pixels.'),
  width: z.int().min(1).exactOptional().describe('Width of the image, pixels.'),
  max_sequence_length: z.int().min(1).exactOptional().describe('Longest prompt, tokens.'),
  no_use_resolution_binning: z
    .boolean()
    .exactOptional()
    .describe('Takes height and width as they are instead of the nearest resolution that the model was trained on.'),
  guidance_scale: z.number().min(0).exactOptional().describe('How closely the image follows the prompt.'),
  warmup_steps: z.int().min(0).exactOptional().describe('Denoising steps of a warm-up call.'),
  warmup_calls: z
    .int()
    .min(0)
    .exactOptional()
    .describe('Whole images before the measured ones; they appear in no figure.'),
  num_repetitions: z.int().min(1).exactOptional().describe('Measured images.'),
  pipefusion_parallel_degree: degree.exactOptional().describe('Stages that the layers are split into.'),
  tensor_parallel_degree: degree.exactOptional().describe('GPUs that share each layer.'),
  data_parallel_degree: degree.exactOptional().describe('Replicas, each with images of its own.'),
  use_parallel_vae: z.boolean().exactOptional().describe('Decodes the image on all GPUs.'),
  use_teacache: z.boolean().exactOptional().describe('Skips steps that change little, after TeaCache.'),
  use_fbcache: z.boolean().exactOptional().describe("Skips steps that change little, after the first block's change."),
};

/** Options of the Wan pipelines alone. */
const wanFields = {
  image: z
    .string()
    .min(1)
    .exactOptional()
    .describe("Picture that `wan_i2v` starts from, a path there. Absent: the script's own example."),
  size: z
    .enum(['720*1280', '1280*720', '480*832', '832*480', '704*1280', '1280*704'])
    .exactOptional()
    .describe('Resolution of the video, pixels, as Wan spells it.'),
  frame_num: z
    .int()
    .min(1)
    .refine((frames) => frames % 4 === 1, 'write one more than a multiple of 4, e.g. 81')
    .exactOptional()
    .describe('Frames of the video, one more than a multiple of 4.'),
  num_benchmark_steps: z.int().min(1).exactOptional().describe('Measured videos.'),
  skip_warmup: z.boolean().exactOptional().describe('Measures from the first video on.'),
  sample_solver: z.enum(['unipc', 'dpm++']).exactOptional().describe('Sampler of the denoising.'),
  sample_shift: z.number().positive().exactOptional().describe("Shift of the sampler's schedule towards noise."),
  sample_guide_scale: z.number().min(0).exactOptional().describe('How closely the video follows the prompt.'),
  vae_dtype: z.enum(['bfloat16', 'float16', 'float32']).exactOptional().describe('Number format of the decoder.'),
  allow_tf32: z.boolean().exactOptional().describe('Lets FP32 matrices multiply as TF32.'),
  offload_model: z.boolean().exactOptional().describe("Keeps idle parts of the model in the host's memory."),
  t5_fsdp: z.boolean().exactOptional().describe('Shards the text encoder over the GPUs.'),
  dit_fsdp: z.boolean().exactOptional().describe('Shards the diffusion transformer over the GPUs.'),
};

const runOwners = {
  ...ownersOf({ ...commonFields, ...fluxFields, ...wanFields }),
  ulysses_size: 'params.ulysses_degree',
  ring_size: 'params.ring_degree',
  sample_steps: 'params.num_inference_steps',
  num_frames: 'params.frame_num',
  compile: 'params.use_torch_compile',
  task: 'params.pipeline',
  base_seed: 'seed',
  num_iterations: 'params.num_repetitions',
  attention_backend: 'knobs.attention',
  model: 'model',
  ckpt_dir: 'model',
  seed: 'seed',
  nproc_per_node: 'topology.roles.worker',
};

type Params = z.output<z.ZodObject<typeof commonFields & typeof fluxFields & typeof wanFields>>;

/** Refuses options of another pipeline: they would have no effect. */
function checkPipeline(payload: z.core.ParsePayload<Params>): void {
  const isFlux = FLUX.some((pipeline) => pipeline === payload.value.pipeline);
  const [foreign, owners] = isFlux ? [wanFields, WAN] : [fluxFields, FLUX];
  for (const field of Object.keys(foreign)) {
    if (field in payload.value) refuse(payload, field, `remove it: it is for ${owners.join(' and ')}`);
  }
  const { pipeline, image } = payload.value;
  if (pipeline === 'wan_t2v' && image !== undefined) refuse(payload, 'image', 'remove it: it is for wan_i2v');
}

/** The params of a pytorch_xdit cell, axis values included. */
export const pytorchXditParams = z
  .strictObject({
    ...commonFields,
    ...fluxFields,
    ...wanFields,
    run_args: furtherArgs(runOwners).describe("Further flags of the pipeline's script."),
  })
  .check(checkPipeline);

/** The params of a pytorch_xdit cell, validated. */
export type PytorchXditParams = z.output<typeof pytorchXditParams>;

/** How many pictures are to be measured; undefined leaves it to the script. */
export function picturesAsked(params: Params): number | undefined {
  return params.pipeline === 'flux_t2i' ? params.num_repetitions : params.num_benchmark_steps;
}

/** The degrees of parallelism that are set: their product is how many processes there are. */
export function degreesOf(params: Params): Readonly<Record<string, number>> {
  const { ulysses_degree, ring_degree } = params;
  const { pipefusion_parallel_degree, tensor_parallel_degree, data_parallel_degree } = params;
  return {
    ulysses_degree,
    ring_degree,
    ...(pipefusion_parallel_degree === undefined ? {} : { pipefusion_parallel_degree }),
    ...(tensor_parallel_degree === undefined ? {} : { tensor_parallel_degree }),
    ...(data_parallel_degree === undefined ? {} : { data_parallel_degree }),
  };
}

/** There is one process for each GPU in use, and as many on every node. */
function checkProcesses({ params, topology }: CellShape<Params>): readonly Violation[] {
  const degrees = degreesOf(params);
  const nodes = topology.roles['worker']?.count ?? 1;
  const overBudget = checkGpuBudget(degrees, 'worker', topology);
  if (overBudget.length > 0 || productOf(degrees) % nodes === 0) return overBudget;
  return [
    {
      field: largestOf(degrees),
      message: `${writeProduct(degrees)} processes cannot be shared out evenly among ${nodes} nodes`,
      hint: `make the product a multiple of ${nodes}, or change count`,
    },
  ];
}

/** What the config loader must know of pytorch_xdit. */
export const pytorchXditSpec = defineFramework({
  name: 'pytorch_xdit',
  workloadKind: 'inference',
  params: pytorchXditParams,
  knobs: z.looseObject(stackKnobs),
  roles: { required: ['worker'], optional: [] },
  container: 'optional',
  pathParams: ['script'],
  constraints: checkProcesses,
  axisTokens: {
    ulysses_degree: 'ulysses',
    ring_degree: 'ring',
    pipefusion_parallel_degree: 'pipefusion',
    tensor_parallel_degree: 'tp',
    data_parallel_degree: 'dp',
    num_inference_steps: 'steps',
    use_torch_compile: 'compile',
    use_fp8_gemms: 'fp8',
    height: 'h',
    width: 'w',
    size: 'size',
    frame_num: 'frames',
    num_repetitions: 'reps',
    num_benchmark_steps: 'runs',
  },
  metrics: [
    'e2el_ms',
    'generation_ms',
    'step_time_ms',
    'vae_decode_ms',
    'latency_ms',
    'throughput',
    'image_throughput',
    'video_throughput',
    'fps',
    'bitrate_kbps',
    'aggregate_bitrate_kbps',
  ],
  predicates: [],
});
