import { resolve } from 'node:path';
import type { Cell } from '../../config/cell.ts';
import { WorkloadFailure } from '../../evidence/failure.ts';
import type { Command } from '../../exec/executor.ts';
import type { RunRequest } from '../../lifecycle/adapter.ts';
import type { Place } from '../../lifecycle/launch.ts';
import { STAMPS_IN_UTC } from '../shared/local-stamps.ts';
import type { ProgramPlan, ResultFile } from '../shared/program.ts';
import { rendezvousOf } from '../shared/rendezvous.ts';
import { meshDegrees, splitDegrees } from './degrees.ts';
import { degreeOptions, optionsOf, optionWords } from './options.ts';
import type { MaxTextOptions } from './options.ts';
import { jaxParams } from './params.ts';
import type { JaxParams } from './params.ts';
import { hasOptionsDump, withOptionsDump, XLA_OPTIONS, xlaFlagsVariable } from './xla-flags.ts';
import type { XlaFlags } from './xla-flags.ts';

const TRAINER = 'maxtext.trainers.pre_train.train';

/** Which option of MaxText names the files of a dataset, by where its batches come from. */
const DATASET_OPTIONS: Readonly<Record<string, (path: string) => MaxTextOptions>> = {
  hf: (path) => ({ hf_path: 'parquet', hf_train_files: path }),
  grain: (path) => ({ grain_train_files: path }),
  tfds: (path) => ({ dataset_path: path }),
  c4_mlperf: (path) => ({ dataset_path: path }),
};

/** Decides how MaxText is launched: one process per node, which drives all of its GPUs. */
export function planJax(request: RunRequest, scratch: string): ProgramPlan {
  const { cell, hosts } = request;
  const params = jaxParams.parse(cell.params);
  const worker = cell.topology.roles['worker'];
  const nodes = worker?.count ?? 1;
  const split = splitDegrees(meshDegrees(params), nodes, worker?.gpus_per_node ?? 1);
  const output = params.base_output_directory ?? scratch;
  const dataset = datasetFiles(cell, params);
  const args = [
    ...trainerWords(params),
    ...optionWords({
      run_name: request.runId,
      base_output_directory: output,
      hardware: 'gpu',
      ...attentionOf(cell),
      ...degreeOptions(split),
      ...optionsOf(params),
      ...dataset?.options,
      init_weights_seed: cell.workload.seed,
      data_shuffle_seed: cell.workload.seed,
    }),
  ];
  const { xla_flags: flags = {} } = params;
  const env = { PYTHONUNBUFFERED: '1', ...STAMPS_IN_UTC, ...xlaVariable(cell, withOptionsDump(flags, scratch)) };
  const command = (place: Place): Command => ({
    file: 'python3',
    args,
    env: { ...env, ...(nodes > 1 ? meetingVariables(request, place) : {}) },
    reads: dataset === null ? [] : [dataset.path],
    writes: [...new Set([scratch, output])],
  });
  return {
    servers: [],
    workers: [{ role: 'worker', after: [], command, readiness: { kind: 'started' } }],
    results: hasOptionsDump(flags) ? optionsDump(scratch, hosts['worker']?.[0]) : [],
  };
}

function trainerWords({ trainer = TRAINER, base_config }: JaxParams): readonly string[] {
  const isScript = trainer.includes('/') || trainer.endsWith('.py');
  // MaxText looks for its configs from its own folder, wherever it is installed.
  const ownConfig = trainer.includes('MaxText') ? 'MaxText/configs/base.yml' : 'src/maxtext/configs/base.yml';
  return [...(isScript ? [trainer] : ['-m', trainer]), base_config ?? ownConfig];
}

function attentionOf({ workload }: Cell): MaxTextOptions {
  const attention = workload.knobs['attention'];
  return attention === undefined ? {} : { attention };
}

function datasetFiles(
  { workload: { dataset }, configFolder }: Cell,
  { dataset_type: type }: JaxParams,
): { readonly path: string; readonly options: MaxTextOptions } | null {
  if (dataset?.path === undefined || type === 'synthetic') return null;
  const path = resolve(configFolder, dataset.path);
  const options = DATASET_OPTIONS[type]?.(path);
  if (options !== undefined) return { path, options };
  throw new WorkloadFailure(
    'setup_failure',
    `dataset.path means nothing to dataset_type ${type} - name its files by options of MaxText in params.extra_args`,
  );
}

function xlaVariable({ workload }: Cell, flags: XlaFlags): Readonly<Record<string, string>> {
  if (Object.keys(flags).length === 0) return {};
  if (workload.container?.env['XLA_FLAGS'] === undefined) return { XLA_FLAGS: xlaFlagsVariable(flags) };
  throw new WorkloadFailure(
    'setup_failure',
    'XLA_FLAGS is set twice - leave it out of container.env, and name its flags in params.xla_flags',
  );
}

/** How the processes of several nodes find each other. */
function meetingVariables(request: RunRequest, place: Place): Readonly<Record<string, string>> {
  const { host, port } = rendezvousOf(request, 'worker', place);
  return {
    JAX_COORDINATOR_IP: host,
    JAX_COORDINATOR_PORT: String(port),
    NNODES: String(request.hosts['worker']?.length ?? 1),
    NODE_RANK: String(place.index),
  };
}

/** Every node compiles with the same options: those of the first tell. */
function optionsDump(scratch: string, host: string | undefined): readonly ResultFile[] {
  if (host === undefined) return [];
  return [{ host, path: `${scratch}/${XLA_OPTIONS.folder}/${XLA_OPTIONS.pattern}`, as: XLA_OPTIONS.folder }];
}
