import { plain } from '../coerce.ts';
import { fillIn } from '../draft.ts';
import { textOf } from '../legacy.ts';
import type { Draft } from '../draft.ts';
import type { JsonPath } from '../legacy.ts';
import { assignParam, remember, say } from '../migration.ts';
import type { Migration, ParamMap } from '../migration.ts';
import { roleOf } from '../shared.ts';

/** The settings of Megatron-LM and torchtitan, as the legacy suites call them. */
export const TRAINING: Readonly<Record<string, ParamMap>> = {
  megatron: {
    tokenizer_model: 'tokenizer_model',
    model_size: 'model_size',
    sequence_length: 'sequence_length',
    tensor_parallelism: 'tp',
    pipeline_parallelism: 'pp',
    batch_size: 'global_batch_size',
    global_batch_size: 'global_batch_size',
    micro_batch_size: 'micro_batch_size',
    training_iterations: 'train_iters',
    mock_data: 'mock_data',
  },
  torchtitan: {
    sequence_length: 'seq_len',
    micro_batch_size: 'local_batch_size',
    global_batch_size: 'global_batch_size',
    training_iterations: 'steps',
    activation_checkpointing: 'activation_checkpoint',
    compile: 'compile',
    lr: 'lr',
    warmup_steps: 'warmup_steps',
    data_parallel_shard_degree: 'data_parallel_shard_degree',
    data_parallel_replicate_degree: 'data_parallel_replicate_degree',
    tensor_parallel_degree: 'tensor_parallel_degree',
    pipeline_parallel_degree: 'pipeline_parallel_degree',
    context_parallel_degree: 'context_parallel_degree',
    expert_parallel_degree: 'expert_parallel_degree',
  },
};

/** What the number format of a legacy cell is in params of ours; null for one that there is no param for. */
export function precisionOf(framework: string, written: unknown): Readonly<Record<string, string>> | null {
  const name = textOf(written).toUpperCase().replace(/^TE_/, '');
  return (framework === 'megatron' ? MEGATRON : TORCHTITAN)[name] ?? null;
}

type Formats = Readonly<Record<string, Readonly<Record<string, string>>>>;

const MEGATRON: Formats = {
  FP8: { precision: 'TE_FP8' },
  MXFP8: { precision: 'TE_FP8', fp8_recipe: 'mxfp8' },
  BF16: { precision: 'TE_BF16' },
  FP16: { precision: 'TE_FP16' },
};

// torchtitan scales its float8 by tensor when nobody says how.
const TORCHTITAN: Formats = {
  FP8: { mixed_precision_param: 'bfloat16', float8: 'tensorwise' },
  BF16: { mixed_precision_param: 'bfloat16' },
};

/** Takes what the legacy script turned on with 1. */
export function assignRecompute(migration: Migration, draft: Draft, from: JsonPath): void {
  const written = plain(migration.legacy.at(from));
  if (written !== 0 && written !== 1) return;
  draft.params['recompute'] = written === 1 ? 'full' : 'none';
  remember(migration, draft, { from, to: 'params.recompute' });
}

/** The nodes of a training config: one, or as many as a field says. */
export interface Nodes {
  readonly isOneNode: boolean;
  readonly nnodes: JsonPath;
}

/** How many nodes a training takes; as it is written where it is no number. */
export function nodesOf(migration: Migration, { isOneNode, nnodes }: Nodes): unknown {
  const written = plain(migration.legacy.at(nnodes));
  if (!isOneNode) return written ?? fillIn('nodes');
  if (written === 1) migration.legacy.take(nnodes);
  else if (written !== undefined) {
    const why = 'a single-node training, which the legacy suite repeated on each node: count is 1';
    say(migration, 'changed', { path: nnodes, why, todo: 'list the nodes in the cluster file' });
  }
  return 1;
}

/** The workers of a Megatron-LM training; `dp` or `fsdp` is what its GPUs leave over. */
export function assignMegatronRanks(migration: Migration, draft: Draft, at: { nodes: Nodes; fsdp: JsonPath }): void {
  const nodes = nodesOf(migration, at.nodes);
  const perNode = migration.known.gpusPerNode ?? fillIn('GPUs of each node');
  draft.topology = { worker: { count: nodes, gpus_per_node: perNode } };
  if (!at.nodes.isOneNode) remember(migration, draft, { from: at.nodes.nnodes, to: 'topology.roles.worker.count' });
  const isSharded = plain(migration.legacy.at(at.fsdp)) === 1;
  remember(migration, draft, { from: at.fsdp, to: isSharded ? 'params.fsdp' : 'params.dp' });
  const { tp = 1, pp = 1 } = draft.params;
  const isKnown = [nodes, perNode, tp, pp].every((one) => typeof one === 'number');
  const ranks = isKnown ? (Number(nodes) * Number(perNode)) / (Number(tp) * Number(pp)) : NaN;
  draft.params[isSharded ? 'fsdp' : 'dp'] = Number.isInteger(ranks)
    ? ranks
    : fillIn(`all GPUs / (tp ${textOf(tp)} x pp ${textOf(pp)})`);
}

const MESH = ['pipeline', 'data_parallel_replicate', 'data_parallel_shard', 'context', 'tensor'].map((name) =>
  name.startsWith('data') ? `${name}_degree` : `${name}_parallel_degree`,
);

/** The workers of a torchtitan training: its degrees say how many GPUs there are. */
export function assignTitanRanks(migration: Migration, draft: Draft, at: Nodes & { readonly dataset: JsonPath }): void {
  const nodes = nodesOf(migration, at);
  const degrees = MESH.map((name) => draft.params[name] ?? 1);
  const isKnown = degrees.every((degree) => typeof degree === 'number');
  const gpus = isKnown ? degrees.reduce((product, degree) => product * Number(degree), 1) : null;
  draft.topology = { worker: roleOf(nodes, gpus) };
  if (!at.isOneNode) remember(migration, draft, { from: at.nnodes, to: 'topology.roles.worker.count' });
  const dataset = [...at.dataset, 'dataset'];
  const written = migration.legacy.at(dataset);
  if (typeof written === 'string') {
    draft.params['extra_args'] = { 'training.dataset': written };
    remember(migration, draft, { from: dataset, to: 'params.extra_args.training.dataset' });
  }
  draft.params['config_file'] ??= fillIn('a TOML file of torchtitan for this model; the legacy suite generated one');
}

/** Takes the number of steps. */
export function assignSteps(migration: Migration, draft: Draft, from: JsonPath): void {
  const to = draft.spec.name === 'megatron' ? 'train_iters' : 'steps';
  if (migration.legacy.at(from) !== undefined) assignParam(migration, draft, { from, to });
}
