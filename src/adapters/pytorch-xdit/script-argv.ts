import { basename, dirname, resolve } from 'node:path';
import type { Cell } from '../../config/cell.ts';
import { WorkloadFailure } from '../../evidence/failure.ts';
import { flagWords } from '../shared/flag-words.ts';
import type { Flags } from '../shared/flag-words.ts';
import type { PytorchXditParams } from './params.ts';
import { VIDEO } from './outputs.ts';

/** Scripts of the image `pytorch-xdit`. */
const SCRIPTS = { flux_t2i: '/app/Flux/run_usp.py', wan_i2v: '/app/Wan2.2/run.py', wan_t2v: '/app/Wan2.2/run.py' };
/** xDiT's own runner, which spells where it writes and how often otherwise. */
const RUNNER = 'runner.py';

/** The script of a cell's pipeline. */
export function scriptOf({ pipeline, script }: PytorchXditParams): string {
  return script ?? SCRIPTS[pipeline];
}

/** The flags of a pipeline's script, in its spelling; it writes into `folder`. */
export function scriptWords(cell: Cell, params: PytorchXditParams, folder: string): readonly string[] {
  const flags = params.pipeline === 'flux_t2i' ? fluxFlags(cell, params, folder) : wanFlags(cell, params, folder);
  return flagWords({ ...flags, ...params.run_args });
}

function fluxFlags({ workload, configFolder }: Cell, params: PytorchXditParams, folder: string): Flags {
  const { model, seed } = workload;
  const isRunner = basename(scriptOf(params)) === RUNNER;
  return {
    model: model.path === undefined ? (model.hf_repo ?? model.id) : resolve(configFolder, model.path),
    prompt: params.prompt,
    negative_prompt: params.negative_prompt,
    seed,
    height: params.height,
    width: params.width,
    num_inference_steps: params.num_inference_steps,
    max_sequence_length: params.max_sequence_length,
    guidance_scale: params.guidance_scale,
    no_use_resolution_binning: given(params.no_use_resolution_binning),
    warmup_steps: params.warmup_steps,
    warmup_calls: params.warmup_calls,
    [isRunner ? 'num_iterations' : 'num_repetitions']: params.num_repetitions,
    ulysses_degree: params.ulysses_degree,
    ring_degree: params.ring_degree,
    pipefusion_parallel_degree: params.pipefusion_parallel_degree,
    tensor_parallel_degree: params.tensor_parallel_degree,
    data_parallel_degree: params.data_parallel_degree,
    use_parallel_vae: given(params.use_parallel_vae),
    use_torch_compile: given(params.use_torch_compile),
    use_fp8_gemms: given(params.use_fp8_gemms),
    use_teacache: given(params.use_teacache),
    use_fbcache: given(params.use_fbcache),
    [isRunner ? 'output_directory' : 'benchmark_output_directory']: folder,
  };
}

function wanFlags(cell: Cell, params: PytorchXditParams, folder: string): Flags {
  const example = `${dirname(scriptOf(params))}/examples/i2v_input.JPG`;
  return {
    task: taskOf(cell, params),
    size: params.size,
    frame_num: params.frame_num,
    image: params.pipeline === 'wan_i2v' ? (params.image ?? example) : undefined,
    prompt: params.prompt,
    base_seed: cell.workload.seed,
    ulysses_size: params.ulysses_degree,
    ring_size: params.ring_degree,
    sample_steps: params.num_inference_steps,
    sample_solver: params.sample_solver,
    sample_shift: params.sample_shift,
    sample_guide_scale: params.sample_guide_scale,
    num_benchmark_steps: params.num_benchmark_steps,
    skip_warmup: given(params.skip_warmup),
    offload_model: params.offload_model === undefined ? undefined : Number(params.offload_model),
    vae_dtype: params.vae_dtype,
    allow_tf32: given(params.allow_tf32),
    use_fp8_gemms: given(params.use_fp8_gemms),
    t5_fsdp: given(params.t5_fsdp),
    dit_fsdp: given(params.dit_fsdp),
    compile: given(params.use_torch_compile),
    benchmark_output_directory: folder,
    save_file: VIDEO,
  };
}

/** These flags have no `no-` form. */
function given(flag: boolean | undefined): true | undefined {
  return flag === true ? true : undefined;
}

/** Wan 2.1 names its tasks by the size of the model, Wan 2.2 by its active part. */
function taskOf({ workload: { model } }: Cell, { pipeline }: PytorchXditParams): string {
  const size = /wan[-_]?2[._]1/i.test(`${model.id} ${model.hf_repo ?? ''}`) ? '14B' : 'A14B';
  return `${pipeline === 'wan_i2v' ? 'i2v' : 't2v'}-${size}`;
}

// Where the cache of Hugging Face is, and which snapshot is the newest there, is known only on the node.
const IN_CACHE = `cache=\${HF_HOME:-\${HOME:-/root}/.cache/huggingface}/hub/$1 revision=$2
shift 2
if [ -z "$revision" ]; then revision=$(cat "$cache/refs/main" || echo main); fi
exec "$@" --ckpt_dir "$cache/snapshots/$revision"
`;

/**
 * A command with the checkpoint of its model, for Wan, which wants a folder: the config's own, or the snapshot in the
 * node's cache of Hugging Face.
 *
 * @throws WorkloadFailure setup_failure when the model has neither.
 */
export function withCheckpoint(
  { workload: { model }, configFolder }: Cell,
  words: readonly string[],
): readonly string[] {
  if (model.path !== undefined) return [...words, '--ckpt_dir', resolve(configFolder, model.path)];
  if (model.hf_repo !== undefined) {
    const folder = `models--${model.hf_repo.replaceAll('/', '--')}`;
    return ['sh', '-c', IN_CACHE, 'checkpoint', folder, model.revision ?? '', ...words];
  }
  const message = `nothing says where the checkpoint of ${model.id} is - write \`path:\` of its folder under model, or its hf_repo`;
  throw new WorkloadFailure('setup_failure', message);
}
