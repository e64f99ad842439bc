import { resolve } from 'node:path';
import { WorkloadFailure } from '../../evidence/failure.ts';
import type { Command } from '../../exec/executor.ts';
import type { RunRequest } from '../../lifecycle/adapter.ts';
import type { Place, RolePlan } from '../../lifecycle/launch.ts';
import type { Readiness } from '../../lifecycle/ready.ts';
import type { Flags } from '../shared/flag-words.ts';
import type { ProgramPlan } from '../shared/program.ts';
import { rendezvousOf } from '../shared/rendezvous.ts';
import { servingUrl } from '../shared/serving-url.ts';
import { BENCH_RESULT, benchWords, datasetFile } from './bench-argv.ts';
import { driveOwnLoad } from './own-load.ts';
import { vllmParams } from './params.ts';
import type { VllmParams } from './params.ts';
import { serveWords } from './serve-argv.ts';
import { stackOf } from './stack.ts';
import type { Stack } from './stack.ts';

/** The role that serves the model. */
export const SERVER_ROLE = 'server';
/** The role that loads it. */
export const CLIENT_ROLE = 'client';

/** Port of Ray's own cluster. */
const RAY_PORT = 6379;

/** What a server says that will not serve; it may take a while until it ends. */
const FAILURES: readonly RegExp[] = [
  /^vllm(?: serve)?: error: /,
  /\bEngineCore failed to start\b/,
  /\bEngine core initialization failed\b/,
];

/** What is known of a cell before anything runs. */
interface Setting {
  readonly request: RunRequest;
  readonly params: VllmParams;
  readonly stack: Stack;
  /** Repository on the hub, or absolute path of the weights. */
  readonly model: string;
  /** Weights from a path are served under the model's name. */
  readonly servedAs: string | undefined;
  /** What a host must have. */
  readonly reads: readonly string[];
  readonly hosts: readonly [string, ...string[]];
  readonly scratch: string;
}

/** One endpoint, which may be spread over several nodes, and the client that loads it. */
export function planVllm(request: RunRequest, scratch: string): ProgramPlan {
  const setting = settingOf(request, scratch);
  if (setting.params.load_client === 'assay')
    return { servers: [serverPlan(setting)], workers: [], ...ownLoad(setting) };
  const client = clientHost(setting);
  return {
    servers: [serverPlan(setting)],
    workers: [clientPlan(setting, client)],
    results: [{ host: client, path: `${scratch}/${BENCH_RESULT}`, as: BENCH_RESULT }],
  };
}

function ownLoad({ model, servedAs }: Setting): Pick<ProgramPlan, 'results' | 'drive'> {
  return {
    results: [],
    drive: (context, servers, signal) => {
      const server = servers.find(({ url }) => url !== null);
      if (server === undefined) throw new Error('no server has an address');
      return driveOwnLoad(context, server, { model: servedAs ?? model, signal });
    },
  };
}

function settingOf(request: RunRequest, scratch: string): Setting {
  const { cell, hosts } = request;
  const params = vllmParams.parse(cell.params);
  const { model } = cell.workload;
  const [head, ...others] = hosts[SERVER_ROLE] ?? [];
  if (head === undefined) throw new WorkloadFailure('setup_failure', 'the topology has no role "server" - add it');
  const path = model.path === undefined ? null : resolve(cell.configFolder, model.path);
  return {
    request,
    params,
    stack: stackOf(cell, params),
    model: path ?? model.hf_repo ?? model.id,
    servedAs: path === null ? undefined : model.id,
    reads: path === null ? [] : [path],
    hosts: [head, ...others],
    scratch,
  };
}

function clientHost({ request, hosts }: Setting): string {
  const [client = hosts[0], ...others] = request.hosts[CLIENT_ROLE] ?? [];
  if (others.length === 0) return client;
  const count = others.length + 1;
  throw new WorkloadFailure(
    'setup_failure',
    `role client is on ${count} hosts, one client sends the load - set its count to 1`,
  );
}

function serverPlan(setting: Setting): RolePlan {
  const { params, hosts } = setting;
  const isRay = hosts.length > 1 && params.distributed_executor_backend === 'ray';
  return {
    role: SERVER_ROLE,
    after: [],
    command: (place) => (isRay ? rayCommand(setting, place) : serveCommand(setting, place)),
    readiness: (place) => readinessOf(place, params.port),
  };
}

function readinessOf({ index, address }: Place, port: number): Readiness {
  if (index > 0) return { kind: 'started', failures: FAILURES };
  return { kind: 'http', url: () => servingUrl(address, port), path: '/health', failures: FAILURES };
}

function serveCommand(setting: Setting, place: Place): Command {
  const { address, index } = place;
  const { request, params, hosts } = setting;
  const nodes: Flags =
    hosts.length === 1
      ? {}
      : {
          nnodes: hosts.length,
          'node-rank': index,
          'master-addr': rendezvousOf(request, SERVER_ROLE, place).host,
          'master-port': params.master_port,
        };
  const listens: Flags = index === 0 ? { host: address, port: params.port } : { headless: true };
  const args = wordsFor(setting, { ...listens, ...nodes });
  return { file: 'vllm', args, ...surroundings(setting, address), ...servesAt(setting, index, address) };
}

// Ray's own processes must be there before vLLM asks for them, in the same place: this takes a shell.
const RAY_HEAD = 'ray start --head --node-ip-address="$1" --port="$2" --disable-usage-stats && shift 2 && exec "$@"';
const RAY_WORKER =
  'until ray health-check --address "$2" >/dev/null 2>&1; do sleep 1; done; ' +
  'exec ray start --address="$2" --node-ip-address="$1" --block';

function rayCommand(setting: Setting, place: Place): Command {
  const { address, index } = place;
  const { request, params } = setting;
  const head = rendezvousOf(request, SERVER_ROLE, place).host;
  const args =
    index === 0
      ? [
          '-c',
          RAY_HEAD,
          'ray-head',
          address,
          String(RAY_PORT),
          'vllm',
          ...wordsFor(setting, { host: address, port: params.port }),
        ]
      : ['-c', RAY_WORKER, 'ray-worker', address, `${head}:${RAY_PORT}`];
  return { file: 'sh', args, ...surroundings(setting, address), ...servesAt(setting, index, address) };
}

/** The first node alone has the endpoint. */
function servesAt({ params }: Setting, index: number, address: string): Pick<Command, 'serves'> {
  return index === 0 ? { serves: servingUrl(address, params.port) } : {};
}

function wordsFor({ request, params, stack, model, servedAs }: Setting, node: Flags): readonly string[] {
  return serveWords(request.cell, { model, servedAs, params, stack: stack.flags, node });
}

function surroundings({ stack, reads, hosts }: Setting, address: string): Pick<Command, 'env' | 'reads'> {
  // A node with several networks would announce the first.
  const env = hosts.length > 1 ? { ...stack.env, VLLM_HOST_IP: address } : stack.env;
  return { env, reads };
}

function clientPlan({ request, params, model, servedAs, reads, scratch }: Setting, host: string): RolePlan {
  const file = datasetFile(request.cell);
  return {
    role: CLIENT_ROLE,
    after: [SERVER_ROLE],
    hosts: [host],
    command: ({ ready }) => ({
      file: 'vllm',
      args: benchWords(request.cell, {
        params,
        baseUrl: ready.find(({ url }) => url !== null)?.url ?? '',
        model,
        servedAs,
        resultFolder: scratch,
      }),
      reads: file === undefined || params.dataset_name === 'hf' ? reads : [...reads, file],
      writes: [scratch],
    }),
    readiness: { kind: 'started' },
  };
}
