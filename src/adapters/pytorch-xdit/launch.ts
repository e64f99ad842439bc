import { resolve } from 'node:path';
import { WorkloadFailure } from '../../evidence/failure.ts';
import type { RunRequest } from '../../lifecycle/adapter.ts';
import type { RolePlan } from '../../lifecycle/launch.ts';
import { productOf } from '../shared/gpu-budget.ts';
import type { ProgramPlan, ResultFile } from '../shared/program.ts';
import { torchrunWords } from '../shared/torchrun.ts';
import { degreesOf, pytorchXditParams } from './params.ts';
import { ATTACHED, OUTPUT_FOLDERS, VIDEO } from './outputs.ts';
import { scriptOf, scriptWords, withCheckpoint } from './script-argv.ts';

const WORKER_ROLE = 'worker';

/**
 * One process for each GPU in use, started by torchrun on every worker; the pipeline makes its pictures and ends.
 *
 * @throws WorkloadFailure setup_failure when processes cannot be shared out, or nothing says where a checkpoint is.
 */
export function planPytorchXdit(request: RunRequest, scratch: string): ProgramPlan {
  const params = pytorchXditParams.parse(request.cell.params);
  const hosts = request.hosts[WORKER_ROLE] ?? [];
  const perNode = productOf(degreesOf(params)) / Math.max(hosts.length, 1);
  if (!Number.isInteger(perNode)) {
    const message = `${perNode * hosts.length} processes cannot be shared out among ${hosts.length} workers`;
    throw new WorkloadFailure('setup_failure', message);
  }
  const script = scriptWords(request.cell, params, scratch);
  const path = request.cell.workload.model.path;
  const reads = path === undefined ? [] : [resolve(request.cell.configFolder, path)];
  const worker: RolePlan = {
    role: WORKER_ROLE,
    after: [],
    command: (place) => {
      const launcher = ['torchrun', ...torchrunWords(request, { role: WORKER_ROLE, perNode }, place)];
      const words = [...launcher, scriptOf(params), ...script];
      const [file = '', ...args] = params.pipeline === 'flux_t2i' ? words : withCheckpoint(request.cell, words);
      return { file, args, reads, writes: [scratch] };
    },
    readiness: { kind: 'started' },
  };
  return { servers: [], workers: [worker], results: hosts.flatMap((host) => leftOn(host, scratch)) };
}

/** Whatever JSON the pipeline leaves: what is none of the known shapes must be told. */
function leftOn(host: string, scratch: string): readonly ResultFile[] {
  return OUTPUT_FOLDERS.flatMap((folder) => {
    const [from, to] = [
      [scratch, folder],
      [ATTACHED, host, folder],
    ].map((parts) => parts.filter(Boolean).join('/'));
    return [
      { host, path: `${from}/*.json`, as: `${to}` },
      { host, path: `${from}/${VIDEO}`, as: `${to}/${VIDEO}` },
    ];
  });
}
