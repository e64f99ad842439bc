import { assignContainer, assignEnvironment, assignNetwork, assignToken } from '../container.ts';
import { plain } from '../coerce.ts';
import { fillIn, nameOf, newDraft } from '../draft.ts';
import { textOf } from '../legacy.ts';
import type { Draft } from '../draft.ts';
import { takeFigures } from '../figures.ts';
import type { JsonPath } from '../legacy.ts';
import { assignBlock, assignParam, remember, say } from '../migration.ts';
import type { Migration } from '../migration.ts';
import { assignEnforce, assignModel, gpuOf, modelId } from '../shared.ts';
import type { Made } from '../shared.ts';
import { assignDegrees, assignMaxtext, assignXlaFlags, gpusOfNode } from './maxtext.ts';
import {
  assignMegatronRanks,
  assignRecompute,
  assignSteps,
  assignTitanRanks,
  nodesOf,
  precisionOf,
  TRAINING,
} from './training.ts';

/** Family e: trainings by number of nodes, model and GPU, each with its `result_dict`. */
export function migratePresets(migration: Migration): Made {
  const { legacy } = migration;
  const framework = frameworkOf(migration);
  const spec = migration.specs.get(framework);
  const presets = presetsOf(migration);
  if (spec === undefined) {
    for (const { cell } of presets) migration.cells.push({ legacy: cell, key: null, why: `no ${framework} here` });
    return { state: 'none', why: `there is no adapter for ${framework}`, todo: 'keep it with the legacy suite' };
  }
  const drafts = presets.map((preset) => {
    const { cell, at } = preset;
    const draft = newDraft(spec, presets.length > 1 ? nameOf(cell.replaceAll('/', '_')) : '');
    draft.targetGpu = gpuOf(at.at(-1));
    assignContainer(migration, draft);
    draft.model = { id: modelId(migration, textOf(at.at(-2))) };
    assignToken(migration, draft);
    assignNetwork(migration, draft, { block: ['config'], isOneNode: preset.isOneNode });
    assignTraining(migration, draft, preset);
    assignEnforce(migration, draft, ['enforce_thresholds']);
    draft.cells = [{ legacy: cell, when: {} }];
    takeFigures(migration, draft, { legacy, path: [...at, 'result_dict'], cell });
    return draft;
  });
  return { state: 'made', drafts };
}

interface Preset {
  /** `<model>/<gpu>`, after the kind of nodes where there are both. */
  readonly cell: string;
  readonly at: JsonPath;
  readonly isOneNode: boolean;
}

function presetsOf({ legacy }: Migration): readonly Preset[] {
  const root = ['model_params'];
  const kinds = legacy.fields(root).map(([kind]) => kind);
  return kinds.flatMap((kind) =>
    legacy.fields([...root, kind]).flatMap(([model]) =>
      legacy.fields([...root, kind, model]).map(([gpu]): Preset => {
        const cell = `${kinds.length > 1 ? `${kind}/` : ''}${model}/${gpu}`;
        return { cell, at: [...root, kind, model, gpu], isOneNode: kind === 'single_node' };
      }),
    ),
  );
}

function frameworkOf({ legacy }: Migration): string {
  if (legacy.at(['config', 'torchtitan_root']) !== undefined) return 'torchtitan';
  if (legacy.at(['config', 'xla_flags']) !== undefined || legacy.at(['config', 'training_steps']) !== undefined)
    return 'jax';
  return 'megatron';
}

function assignTraining(migration: Migration, draft: Draft, { at, isOneNode }: Preset): void {
  const nodes = { isOneNode, nnodes: ['config', 'nnodes'] };
  const framework = draft.spec.name;
  if (framework === 'jax') return assignJax(migration, draft, { at, nodes });
  assignBlock(migration, draft, { at, map: TRAINING[framework] ?? {} });
  assignBlock(migration, draft, { at: ['config'], map: { mock_data: 'mock_data' } });
  assignSteps(migration, draft, ['config', 'training_iterations']);
  if (framework === 'torchtitan') {
    takeTitanPrecision(migration, draft, at);
    assignModel(migration, draft, [...at, 'tokenizer_path']);
    return assignTitanRanks(migration, draft, { ...nodes, dataset: at });
  }
  takePrecision(migration, draft, at);
  assignRecompute(migration, draft, [...at, 'recompute']);
  assignMegatronRanks(migration, draft, { nodes, fsdp: [...at, 'fsdp'] });
  // Megatron-LM's own fully sharded training refuses it.
  if (draft.params['precision'] === 'TE_FP16' && draft.params['fsdp'] !== undefined) {
    draft.params['precision'] = fillIn('TE_BF16 or TE_FP8; TE_FP16, which stood there, does not go with fsdp');
  }
}

function takePrecision(migration: Migration, draft: Draft, at: JsonPath): void {
  const from = [...at, 'precision'];
  const written = migration.legacy.at(from);
  const params = precisionOf('megatron', written);
  if (params !== null) {
    Object.assign(draft.params, params);
    remember(migration, draft, { from, to: 'params.precision' });
  } else if (written !== undefined) {
    const why = `megatron has no param for the number format ${textOf(written)}`;
    say(migration, 'not_carried', { path: from, why, todo: 'set params.precision' });
  }
}

function takeTitanPrecision(migration: Migration, draft: Draft, at: JsonPath): void {
  const from = [...at, 'enable_float8'];
  const isFloat8 = plain(migration.legacy.at(from));
  if (typeof isFloat8 !== 'boolean') return;
  Object.assign(draft.params, precisionOf('torchtitan', isFloat8 ? 'FP8' : 'BF16') ?? {});
  remember(migration, draft, { from, to: isFloat8 ? 'params.float8' : 'params.mixed_precision_param' });
}

/** What older files also have beside the options of MaxText, which never read it. */
const NOT_MAXTEXT = [
  'model_size',
  'micro_batch_size',
  'precision',
  'sequence_length',
  'tensor_parallelism',
  'pipeline_parallelism',
  'recompute',
  'fsdp',
  'tokenizer_path',
];

function assignJax(
  migration: Migration,
  draft: Draft,
  { at, nodes }: { readonly at: JsonPath; readonly nodes: Parameters<typeof nodesOf>[1] },
): void {
  const { legacy } = migration;
  assignParam(migration, draft, { from: ['config', 'training_steps'], to: 'steps' });
  if (legacy.at(['config', 'enable_checkpointing']) !== undefined) {
    assignParam(migration, draft, { from: ['config', 'enable_checkpointing'], to: 'enable_checkpointing' });
  }
  assignMaxtext(migration, draft, { at, except: NOT_MAXTEXT });
  // What the id of the model would say, had it not to be spelled alike in all configs.
  draft.params['model_name'] ??= textOf(at.at(-2));
  assignXlaFlags(migration, draft, ['config', 'xla_flags']);
  assignEnvironment(migration, draft, ['config', 'env_vars']);
  const count = nodesOf(migration, nodes);
  if (!nodes.isOneNode) remember(migration, draft, { from: nodes.nnodes, to: 'topology.roles.worker.count' });
  const perNode = gpusOfNode(migration, at);
  assignDegrees(migration, draft, { block: at, nodes: count });
  draft.topology = { worker: { count, gpus_per_node: perNode } };
}
