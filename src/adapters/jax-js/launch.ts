import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WorkloadFailure } from '../../evidence/failure.ts';
import type { RunRequest } from '../../lifecycle/adapter.ts';
import type { ProgramPlan } from '../shared/program.ts';
import { jaxJsParams } from './params.ts';
import { modelFiles, tinyRecipe } from './recipe.ts';
import { workerArgv, type WorkerOptions } from './worker-argv.ts';

const WORKER = fileURLToPath(new URL('./worker-main.js', import.meta.url));

/** The role that trains. */
export const WORKER_ROLE = 'worker';

/** Where a run keeps the model that it trained, under `attachments/`. */
export const MODEL_FOLDER = 'model';

/** Decides what to start for a cell. */
export function planTraining(request: RunRequest, scratch: string): ProgramPlan {
  const { save_model: isKept } = jaxJsParams.parse(request.cell.params);
  const out = join(scratch, MODEL_FOLDER);
  const args = workerArgv({ ...optionsOf(request), ...(isKept ? { out } : {}) });
  const hosts = request.hosts[WORKER_ROLE] ?? [];
  const files = isKept ? Object.values(modelFiles) : [];
  return {
    servers: [],
    workers: [
      {
        role: WORKER_ROLE,
        after: [],
        command: () => ({ file: process.execPath, args: [WORKER, ...args] }),
        readiness: { kind: 'started' },
      },
    ],
    results: hosts.flatMap((host) =>
      files.map((name) => ({ host, path: join(out, name), as: `${MODEL_FOLDER}/${name}` })),
    ),
  };
}

function optionsOf({ cell }: RunRequest): WorkerOptions {
  const { target_gpu: gpu, model, dataset, seed } = cell.workload;
  if (gpu !== 'cpu') {
    throw new WorkloadFailure(
      'setup_failure',
      `target_gpu is ${gpu}, but jax_js trains on the CPU - write target_gpu: cpu`,
    );
  }
  if (model.path !== undefined) {
    throw new WorkloadFailure(
      'setup_failure',
      `jax_js trains from fresh weights and reads no model - remove model.path (${model.path})`,
    );
  }
  if (dataset?.path === undefined) {
    throw new WorkloadFailure('setup_failure', 'nothing to train on - add `dataset.path:`, a folder of text files');
  }
  const params = jaxJsParams.parse(cell.params);
  return {
    ranks: params.ranks,
    steps: params.steps,
    microBatchSize: params.micro_batch_size,
    sequenceLength: params.sequence_length,
    learningRate: params.learning_rate,
    warmupSteps: params.warmup_steps,
    finalLearningRateShare: params.final_learning_rate_share,
    weightDecay: params.weight_decay,
    maxGradNorm: params.max_grad_norm,
    seed,
    heldOutWindowLength: dataset.window_length ?? tinyRecipe.heldOutWindowLength,
    corpus: resolve(cell.configFolder, dataset.path),
    ...(dataset.sha256 === undefined ? {} : { corpusSha256: dataset.sha256.replace('sha256:', '') }),
  };
}
