import { resolve } from 'node:path';
import type { Cell } from '../../config/cell.ts';
import { flagWords } from '../shared/flag-words.ts';
import type { Flags } from '../shared/flag-words.ts';
import { degreeOf } from './parallelism.ts';
import type { ModelRole } from './parallelism.ts';
import type { SglangParams } from './params.ts';

/** Port of SGLang's own on which prefill servers introduce themselves. */
const BOOTSTRAP_PORT = 8998;

/** What a server is launched with, besides the params of its cell. */
export interface ServerOptions {
  readonly role: ModelRole;
  readonly params: SglangParams;
  /** What the knobs come to. */
  readonly stack: Flags;
  /** Where it listens. */
  readonly address: string;
  /** Its place among the nodes of one server; none where it has one node. */
  readonly nodes: Flags;
}

/** The words of `python3`: `-m sglang.launch_server` and its flags. */
export function serverWords(cell: Pick<Cell, 'workload' | 'configFolder'>, options: ServerOptions): readonly string[] {
  const { role, params, stack, address, nodes } = options;
  const { model, seed } = cell.workload;
  const flags: Flags = {
    'model-path': modelOf(cell),
    'served-model-name': model.path === undefined ? undefined : model.id,
    revision: model.revision,
    host: address,
    port: portOf(params, role),
    ...transferFlags(params, role),
    ...degreeFlags(params, role),
    ...nodes,
    ...engineFlags(params),
    'random-seed': seed,
    ...stack,
    'enable-metrics': true,
    // What joins a prefill to its decode stands in the log alone.
    'enable-request-time-stats-logging': true,
    ...plainFlags(params.serve_args),
    ...plainFlags(params[`${role}_serve_args`]),
  };
  return ['-m', 'sglang.launch_server', ...flagWords(flags)];
}

/** Repository on the hub, or absolute path of the weights. */
export function modelOf({ workload: { model }, configFolder }: Pick<Cell, 'workload' | 'configFolder'>): string {
  return model.path === undefined ? (model.hf_repo ?? model.id) : resolve(configFolder, model.path);
}

/** The port that a server of a role listens on. */
export function portOf(params: SglangParams, role: ModelRole): number {
  return role === 'prefill' ? params.prefill_port : params.decode_port;
}

/** The port on which the nodes of one server of a role find each other. */
export function distInitPortOf(params: SglangParams, role: ModelRole): number {
  return role === 'prefill' ? params.prefill_dist_init_port : params.decode_dist_init_port;
}

/** The port on which prefill servers introduce themselves to decode servers. */
export function bootstrapPortOf({ disaggregation_bootstrap_port: port = BOOTSTRAP_PORT }: SglangParams): number {
  return port;
}

/** Further flags by their plain names: `--tp_size` and `tp-size` are one. */
export function plainFlags(flags: Flags = {}): Flags {
  const plain = (name: string): string => name.replace(/^-+/, '').replaceAll('_', '-');
  return Object.fromEntries(Object.entries(flags).map(([name, value]) => [plain(name), value]));
}

/** A flag that is there or not: SGLang's have no `--no-` form. */
export function onlyTrue(value: boolean | undefined): true | undefined {
  return value === true ? true : undefined;
}

function transferFlags(params: SglangParams, role: ModelRole): Flags {
  return {
    'disaggregation-mode': role,
    'disaggregation-transfer-backend': params.disaggregation_transfer_backend,
    'disaggregation-bootstrap-port': bootstrapPortOf(params),
    'disaggregation-ib-device': params.disaggregation_ib_device,
    'num-reserved-decode-tokens': role === 'decode' ? params.num_reserved_decode_tokens : undefined,
  };
}

function degreeFlags(params: SglangParams, role: ModelRole): Flags {
  const of = (kind: 'tensor' | 'pipeline' | 'data' | 'expert'): number => degreeOf(params, role, kind)[1];
  const moreThanOne = (degree: number): number | undefined => (degree > 1 ? degree : undefined);
  return {
    'tp-size': of('tensor'),
    'pp-size': moreThanOne(of('pipeline')),
    'dp-size': moreThanOne(of('data')),
    'ep-size': moreThanOne(of('expert')),
    'enable-dp-attention': onlyTrue(params.enable_dp_attention),
  };
}

function engineFlags(params: SglangParams): Flags {
  return {
    'context-length': params.max_model_length,
    dtype: params.dtype,
    'kv-cache-dtype': params.kv_cache_dtype,
    'load-format': params.load_format,
    'trust-remote-code': onlyTrue(params.trust_remote_code),
    'tokenizer-mode': params.tokenizer_mode === 'auto' ? undefined : params.tokenizer_mode,
    'mem-fraction-static': params.mem_fraction_static,
    'chunked-prefill-size': params.chunked_prefill_size,
    'max-prefill-tokens': params.max_prefill_tokens,
    'max-running-requests': params.max_running_requests,
    'page-size': params.page_size,
    'schedule-policy': params.schedule_policy,
    'schedule-conservativeness': params.schedule_conservativeness,
    'disable-radix-cache': onlyTrue(params.disable_radix_cache),
    'disable-cuda-graph': onlyTrue(params.disable_cuda_graph),
    'cuda-graph-max-bs': params.cuda_graph_max_bs,
    'enable-torch-compile': onlyTrue(params.enable_torch_compile),
    'enable-two-batch-overlap': onlyTrue(params.enable_two_batch_overlap),
    'moe-a2a-backend': params.moe_a2a_backend,
    'deepep-mode': params.deepep_mode,
    'log-level': params.log_level,
  };
}
