import { assignContainer, assignEnvironment, assignToken } from '../container.ts';
import { coerce, countOf, plain } from '../coerce.ts';
import { fillIn, nameOf, newDraft } from '../draft.ts';
import type { Draft, DraftCell } from '../draft.ts';
import { takeFigures } from '../figures.ts';
import { fieldsOf, textOf } from '../legacy.ts';
import { assignParam, remember, say } from '../migration.ts';
import type { Migration } from '../migration.ts';
import { assignEnforce, assignGpu, assignModel, distinct, figureCells, pairsIn, reportOthers } from '../shared.ts';
import type { Made } from '../shared.ts';
import { assignDegrees, assignMaxtext, assignXlaFlags, gpusOfNode, maxtextParam, noteOverridden } from './maxtext.ts';

const MAXTEXT = ['training', 'maxtext_config'];

/** Family c: a MaxText training with `training.sweeps` and the list of those that are enabled. */
export function migrateJaxmaxtext(migration: Migration): Made {
  const { legacy } = migration;
  const spec = migration.specs.get('jax');
  if (spec === undefined)
    return { state: 'none', why: 'there is no adapter for jax', todo: 'keep it with the legacy suite' };
  const draft = newDraft(spec);
  legacy.take(['schema_version']);
  legacy.take(['framework']);
  assignGpu(migration, draft, ['gpu_arch']);
  assignContainer(migration, draft);
  assignModel(migration, draft, ['model', 'id']);
  const precision = legacy.take(['model', 'precision']);
  if (typeof precision === 'string') draft.model = { ...draft.model, precision };
  assignToken(migration, draft);
  assignEnvironment(migration, draft, ['training', 'env_vars']);
  for (const name of ['steps', 'enable_checkpointing']) {
    if (legacy.at(['training', name]) !== undefined)
      assignParam(migration, draft, { from: ['training', name], to: name });
  }
  const tokenizer = ['training', 'tokenizer', 'hf_model_id'];
  if (legacy.at(tokenizer) !== undefined) assignParam(migration, draft, { from: tokenizer, to: 'tokenizer_model' });
  assignMaxtext(migration, draft, { at: MAXTEXT, except: ['base_config'] });
  assignXlaFlags(migration, draft, ['training', 'xla_flags']);
  const sweeps = enabledSweeps(migration);
  const nodes = nodesOf(migration, sweeps);
  const perNode = plain(legacy.take(['training', 'gpus_per_node'])) ?? gpusOfNode(migration, MAXTEXT);
  assignDegrees(migration, draft, { block: MAXTEXT, nodes });
  draft.topology = { worker: { count: nodes, gpus_per_node: perNode } };
  assignSweeps(migration, draft, sweeps);
  noteOverridden(migration, draft, MAXTEXT);
  assignEnforce(migration, draft, ['enforce_thresholds']);
  assignFigures(migration, draft);
  return { state: 'made', drafts: [draft] };
}

interface LegacySweep {
  readonly name: string;
  readonly index: number;
}

function enabledSweeps(migration: Migration): readonly LegacySweep[] {
  const { legacy } = migration;
  const declared = legacy.at(['training', 'sweeps']);
  const enabled = legacy.take(['training', 'enabled_sweep_list']);
  const list: readonly unknown[] = Array.isArray(enabled) ? enabled : [];
  const sweeps = (Array.isArray(declared) ? declared : []).map((sweep, index) => ({
    name: textOf(fieldsOf(sweep)['name']),
    index,
  }));
  for (const { name, index } of sweeps.filter((sweep) => !list.includes(sweep.name))) {
    const why = `declared, but not in enabled_sweep_list: ${name} is not enabled here either`;
    say(migration, 'not_carried', { path: ['training', 'sweeps', index], why, todo: 'add it to the sweep to run it' });
  }
  return sweeps.filter((sweep) => list.includes(sweep.name));
}

// The nodes came from the cluster file; the names of the cells say how many there were.
function nodesOf(migration: Migration, sweeps: readonly LegacySweep[]): unknown {
  const isDistributed = plain(migration.legacy.take(['training', 'distributed'])) === true;
  if (!isDistributed) return 1;
  const labels = new Set(sweeps.map(({ name }) => countOf(pairsIn(name)['NNODES'])));
  const [nodes] = labels;
  return labels.size === 1 && typeof nodes === 'number' ? nodes : fillIn('nodes');
}

function assignSweeps(migration: Migration, draft: Draft, sweeps: readonly LegacySweep[]): void {
  const names = distinct(sweeps.map(({ name }) => nameOf(name)));
  const options = sweeps.map(({ index }, position) => ({
    ...overridesOf(migration, draft, index),
    name: names[position],
  }));
  draft.sweep = { variant: options };
  draft.cells = sweeps.map(({ name }, index): DraftCell => ({ legacy: name, when: { variant: names[index] ?? '' } }));
}

function overridesOf(migration: Migration, draft: Draft, index: number): Record<string, unknown> {
  const { legacy } = migration;
  const at = ['training', 'sweeps', index, 'maxtext_overrides'];
  legacy.take(['training', 'sweeps', index, 'name']);
  const option: Record<string, unknown> = {};
  for (const [name, value] of legacy.fields(at)) {
    const to = maxtextParam(name);
    const schema = draft.spec.params.shape[to];
    const coerced = schema === undefined ? null : coerce(schema, value);
    if (coerced?.ok !== true) continue;
    option[to] = coerced.value;
    remember(migration, draft, { from: [...at, name], to: `sweep.variant[${index}].${to}` });
  }
  return option;
}

function assignFigures(migration: Migration, draft: Draft): void {
  const { thresholds } = migration;
  const taken = new Set<string>();
  for (const one of thresholds === null ? [] : figureCells(thresholds)) {
    if (!draft.cells.some(({ legacy }) => legacy === one.cell)) continue;
    taken.add(one.cell);
    takeFigures(migration, draft, one);
  }
  reportOthers(migration, taken, () => ({
    why: 'its cell is not in enabled_sweep_list',
    todo: 'add the cell to the sweep, and this to its thresholds',
  }));
}
