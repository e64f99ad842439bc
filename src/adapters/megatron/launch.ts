import { isAbsolute, join } from 'node:path';
import type { Cell } from '../../config/cell.ts';
import { WorkloadFailure } from '../../evidence/failure.ts';
import type { RunRequest } from '../../lifecycle/adapter.ts';
import type { RolePlan } from '../../lifecycle/launch.ts';
import { STAMPS_IN_UTC } from '../shared/local-stamps.ts';
import type { ProgramPlan } from '../shared/program.ts';
import { torchrunWords } from '../shared/torchrun.ts';
import { attentionChoice } from './attention.ts';
import { modelOptions } from './model-size.ts';
import type { ModelOptions } from './model-size.ts';
import { argumentsOf, optionsOf } from './options.ts';
import type { MegatronParams } from './options.ts';
import { megatronParams } from './params.ts';

/** The role whose programs train. */
export const WORKER = 'worker';

/** Where AMD's images have Megatron-LM. */
const ROOT_IN_IMAGE = '/workspace/Megatron-LM';

/** What is started: on each node torchrun, which starts one rank of pretrain_gpt.py per GPU. */
export function plan(request: RunRequest): ProgramPlan {
  const { cell } = request;
  const params = megatronParams.parse(cell.params);
  const attention = attentionOf(cell);
  const dataPath = dataPathOf(cell, params);
  const model = modelOf(cell, params);
  const isAmd = /^(?:mi\d|gfx)/i.test(cell.workload.target_gpu);
  const options = optionsOf({ params, attention, model, seed: cell.workload.seed, dataPath, isAmd });
  const script = [scriptOf(cell, params), ...argumentsOf(options)];
  const perNode = cell.topology.roles[WORKER]?.gpus_per_node ?? 0;
  const command: RolePlan['command'] = (place) => ({
    file: 'torchrun',
    args: [...torchrunWords(request, { role: WORKER, perNode }, place), ...script],
    env: environment(cell, params, isAmd),
    ...(dataPath === null ? {} : { reads: [`${dataPath}.bin`, `${dataPath}.idx`] }),
  });
  return {
    servers: [],
    workers: [{ role: WORKER, after: [], command, readiness: { kind: 'started' } }],
    results: [],
  };
}

/** The knob `attention`; undefined without one. */
function attentionOf({ workload }: Cell): string | undefined {
  const { attention } = workload.knobs;
  return attention === undefined ? undefined : String(attention);
}

function modelOf({ workload }: Cell, params: MegatronParams): ModelOptions | null {
  const { id, hf_repo: repo = '' } = workload.model;
  const model = modelOptions({ size: params.model_size, names: [params.tokenizer_model ?? '', id, repo] });
  const extra = Object.keys(params.extra_args ?? {}).map((name) => name.replaceAll('_', '-'));
  if (model !== null || extra.includes('num-layers') || extra.includes('encoder-num-layers')) return model;
  const message =
    'nothing says how large the model is - set params.model_size, or give num-layers, hidden-size, num-attention-heads and the like in params.extra_args';
  throw new WorkloadFailure('setup_failure', message);
}

/** The prefix of the two files of a dataset that Megatron's own preprocessing made; null for generated data. */
function dataPathOf({ workload, configFolder }: Cell, params: MegatronParams): string | null {
  if (params.mock_data) return null;
  const path = workload.dataset?.path;
  if (path === undefined) {
    const message = 'params.mock_data is false, but the config has no dataset.path - give it, or set mock_data: true';
    throw new WorkloadFailure('setup_failure', message);
  }
  const prefix = path.replace(/\.(?:bin|idx)$/, '');
  return isAbsolute(prefix) ? prefix : join(configFolder, prefix);
}

function scriptOf({ workload }: Cell, { megatron_root: root }: MegatronParams): string {
  const folder = root ?? (workload.container === undefined ? undefined : ROOT_IN_IMAGE);
  return folder === undefined ? 'pretrain_gpt.py' : `${folder}/pretrain_gpt.py`;
}

/** What AMD's training scripts set on its GPUs. */
const AMD_ENV = {
  GPU_MAX_HW_QUEUES: '2',
  HSA_NO_SCRATCH_RECLAIM: '1',
  NCCL_CHECKS_DISABLE: '1',
  TORCH_NCCL_HIGH_PRIORITY: '1',
};

function environment(cell: Cell, params: MegatronParams, isAmd: boolean): Readonly<Record<string, string>> {
  const env = {
    // Megatron wants 1, but sharded parameters are gathered while others compute.
    CUDA_DEVICE_MAX_CONNECTIONS: params.fsdp > 1 ? '8' : '1',
    PYTHONUNBUFFERED: '1',
    TOKENIZERS_PARALLELISM: 'false',
    // Transformer Engine says once which attention it runs.
    NVTE_DEBUG: '1',
    NVTE_DEBUG_LEVEL: '1',
    ...(isAmd ? AMD_ENV : {}),
    ...attentionChoice(attentionOf(cell))?.env,
    ...(params.gemm_tuning === true
      ? { TE_HIPBLASLT_TUNING_RUN_COUNT: '10', TE_HIPBLASLT_TUNING_ALGO_COUNT: '50' }
      : {}),
  };
  // What the config says itself stands.
  const own = cell.workload.container?.env ?? {};
  return { ...Object.fromEntries(Object.entries(env).filter(([name]) => own[name] === undefined)), ...STAMPS_IN_UTC };
}
