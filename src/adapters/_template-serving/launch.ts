import { WorkloadFailure } from '../../evidence/failure.ts';
import type { RunRequest } from '../../lifecycle/adapter.ts';
import type { RolePlan } from '../../lifecycle/launch.ts';
import { flagWords } from '../shared/flag-words.ts';
import type { ProgramPlan } from '../shared/program.ts';
import { servingUrl } from '../shared/serving-url.ts';
import { toyServingParams } from './params.ts';

/** What the client writes, under the scratch folder and then among the attachments. */
export const RESULT = 'toyload.json';

/** A server, and a client that loads it: beside it, unless the config places it elsewhere. */
export function planToyServing(request: RunRequest, scratch: string): ProgramPlan {
  const [host] = request.hosts['client'] ?? request.hosts['server'] ?? [];
  if (host === undefined) throw new WorkloadFailure('setup_failure', 'the topology has no role "server" - add it');
  return {
    servers: [serverPlan(request)],
    workers: [clientPlan(request, { host, folder: scratch })],
    results: [{ host, path: `${scratch}/${RESULT}`, as: RESULT }],
  };
}

function serverPlan({ cell }: RunRequest): RolePlan {
  const { port, max_batch: batch } = toyServingParams.parse(cell.params);
  return {
    role: 'server',
    after: [],
    command: ({ address }) => ({
      file: 'toyserve',
      args: flagWords({ host: address, port, 'max-batch': batch }),
    }),
    readiness: ({ address }) => ({
      kind: 'http',
      url: () => servingUrl(address, port),
      path: '/health',
      failures: [/^toyserve: error: /],
    }),
  };
}

function clientPlan({ cell }: RunRequest, { host, folder }: { host: string; folder: string }): RolePlan {
  const { num_prompts: count, concurrency } = toyServingParams.parse(cell.params);
  return {
    role: 'client',
    after: ['server'],
    // A role that the topology does not bind is launched nowhere unless its hosts are named.
    hosts: [host],
    command: ({ ready }) => ({
      file: 'toyload',
      args: flagWords({
        url: ready[0]?.url ?? '',
        requests: count,
        concurrency,
        seed: cell.workload.seed,
        out: `${folder}/${RESULT}`,
      }),
      writes: [folder],
    }),
    readiness: { kind: 'started' },
  };
}
