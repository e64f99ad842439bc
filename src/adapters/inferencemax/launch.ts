import { resolve } from 'node:path';
import { WorkloadFailure } from '../../evidence/failure.ts';
import type { Command } from '../../exec/executor.ts';
import type { RunRequest } from '../../lifecycle/adapter.ts';
import type { RolePlan } from '../../lifecycle/launch.ts';
import type { ProgramPlan, ResultFile } from '../shared/program.ts';
import { servingUrl } from '../shared/serving-url.ts';
import { benchWords } from './bench-argv.ts';
import { inferencemaxParams } from './params.ts';
import type { InferencemaxParams } from './params.ts';
import { RESULTS } from './result-files.ts';
import { CLIENT_SCRIPT, LOADING_RECIPE_SCRIPT, RECIPE_SCRIPT } from './scripts.ts';

const SERVER_ROLE = 'server';
const CLIENT_ROLE = 'client';
const IN_IMAGE = '/app/InferenceX';
/** Where recipes are found in the repository, by its layouts over time; the last is a folder of recipes alone. */
const FOLDERS = ['benchmarks/single_node/fixed_seq_len', 'benchmarks/single_node', 'benchmarks', '.'];

/** What is known of a cell before anything runs. */
interface Setting {
  readonly request: RunRequest;
  readonly params: InferencemaxParams;
  readonly scratch: string;
  /** The folder of InferenceX's repository on the hosts. */
  readonly home: string;
  readonly server: string;
  readonly client: string;
}

/**
 * One recipe that serves, and InferenceX's client that loads it; or a recipe that does both.
 *
 * @throws WorkloadFailure setup_failure for several servers: their recipes are jobs of Slurm of their own.
 */
export function planInferencemax(request: RunRequest, scratch: string): ProgramPlan {
  const params = inferencemaxParams.parse(request.cell.params);
  const [server, ...others] = request.hosts[SERVER_ROLE] ?? [];
  if (server === undefined || others.length > 0) {
    const message = `role server is on ${others.length + (server === undefined ? 0 : 1)} hosts, a recipe runs on one - set its count to 1`;
    throw new WorkloadFailure('setup_failure', message);
  }
  const client = request.hosts[CLIENT_ROLE]?.[0] ?? server;
  const setting: Setting = { request, params, scratch, home: homeOf(request, params, scratch), server, client };
  if (params.recipe_sends_load) {
    return { servers: [], workers: [loadingRecipe(setting)], results: resultsOn([server], scratch) };
  }
  return {
    servers: [servingRecipe(setting)],
    workers: [loadClient(setting)],
    results: resultsOn([...new Set([client, server])], scratch),
  };
}

function homeOf({ cell }: RunRequest, params: InferencemaxParams, scratch: string): string {
  if (params.inferencemax_repo !== undefined) return `${scratch}/InferenceX`;
  return params.inferencemax_path === undefined ? IN_IMAGE : resolve(cell.configFolder, params.inferencemax_path);
}

function resultsOn(hosts: readonly string[], scratch: string): readonly ResultFile[] {
  return hosts.flatMap((host) => [
    { host, path: `${scratch}/${RESULTS.raw}`, as: RESULTS.raw },
    { host, path: `${scratch}/agg_*.json`, as: RESULTS.aggregates },
    { host, path: `${scratch}/aiperf_artifacts/${RESULTS.requests}`, as: RESULTS.requests },
  ]);
}

function servingRecipe(setting: Setting): RolePlan {
  const { params } = setting;
  return {
    role: SERVER_ROLE,
    after: [],
    command: ({ address }) => ({
      ...scriptCommand(setting, RECIPE_SCRIPT, [params.server_script, ...FOLDERS]),
      serves: servingUrl(address, params.port),
    }),
    readiness: ({ address }) => ({ kind: 'http', url: () => servingUrl(address, params.port), path: '/health' }),
  };
}

function loadingRecipe(setting: Setting): RolePlan {
  const { params, scratch } = setting;
  return {
    role: SERVER_ROLE,
    after: [],
    command: () => scriptCommand(setting, LOADING_RECIPE_SCRIPT, [scratch, params.server_script, ...FOLDERS]),
    readiness: { kind: 'started' },
  };
}

function loadClient(setting: Setting): RolePlan {
  const { request, params, scratch, client, home } = setting;
  return {
    role: CLIENT_ROLE,
    after: [SERVER_ROLE],
    hosts: [client],
    command: ({ ready }) => {
      const baseUrl = ready.find(({ role }) => role === SERVER_ROLE)?.url ?? '';
      const flags = benchWords(request, params, { baseUrl, model: modelOf(request), folder: scratch });
      const words = [`${home}/utils/bench_serving/benchmark_serving.py`, ...flags];
      if (params.inferencemax_repo !== undefined) return { ...scriptCommand(setting, CLIENT_SCRIPT, words), env: {} };
      return { file: 'python3', args: words, ...foldersOf(setting) };
    },
    readiness: { kind: 'started' },
  };
}

/** A shell is needed: the recipes are scripts, whose folder is known only where they are. */
function scriptCommand(setting: Setting, script: string, words: readonly string[]): Command {
  const { params, home } = setting;
  const { inferencemax_repo: repo = '', inferencemax_ref: ref = '' } = params;
  return {
    file: 'sh',
    args: ['-c', script, 'inferencemax', home, repo, ref, ...words],
    env: environmentOf(setting),
    ...foldersOf(setting),
  };
}

function foldersOf({ request, params, home, scratch }: Setting): Pick<Command, 'reads' | 'writes'> {
  const reads = [
    ...(params.inferencemax_path === undefined ? [] : [home]),
    ...(request.cell.workload.model.path === undefined ? [] : [modelOf(request)]),
  ];
  return { writes: [scratch], reads };
}

/** What the recipes read, by their own names. */
function environmentOf({ request, params, scratch }: Setting): Readonly<Record<string, string>> {
  const values = {
    MODEL: modelOf(request),
    TP: params.tensor_parallelism,
    EP_SIZE: params.expert_parallelism,
    DP_ATTENTION: params.dp_attention,
    CONC: params.concurrency,
    ISL: params.isl,
    OSL: params.osl,
    MAX_MODEL_LEN: params.max_model_length,
    // The recipes insist on one; 1 is what the client takes itself.
    RANDOM_RANGE_RATIO: params.random_range_ratio ?? 1,
    PORT: params.port,
    SPEC_DECODING: params.spec_decoding,
    VLLM_ENFORCE_EAGER: params.enforce_eager === undefined ? undefined : Number(params.enforce_eager),
    RESULT_FILENAME: RESULTS.raw.replace('.json', ''),
    RESULT_DIR: scratch,
  };
  const known = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(known.map(([name, value]) => [name, String(value)]));
}

function modelOf({ cell }: RunRequest): string {
  const { model } = cell.workload;
  return model.path === undefined ? (model.hf_repo ?? model.id) : resolve(cell.configFolder, model.path);
}
