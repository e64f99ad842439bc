import { assignContainer, assignNetwork, assignToken } from '../container.ts';
import { coerce } from '../coerce.ts';
import { nameOf, newDraft } from '../draft.ts';
import type { Draft, DraftCell } from '../draft.ts';
import { takeFigures } from '../figures.ts';
import { fieldsOf, isComment, textOf } from '../legacy.ts';
import type { Fields, JsonPath } from '../legacy.ts';
import { assignBlock, resolveText, say } from '../migration.ts';
import type { Migration } from '../migration.ts';
import { assignEnforce, assignGpu, assignModel, distinct, figureCells, pairsIn, reportOthers } from '../shared.ts';
import type { Made } from '../shared.ts';
import {
  assignMegatronRanks,
  assignRecompute,
  assignSteps,
  assignTitanRanks,
  precisionOf,
  TRAINING,
} from './training.ts';

/** Family b: a training with a sweep of named combinations. A later form has `train_params` and no `config`. */
export function migrateCombos(migration: Migration): Made {
  const { legacy } = migration;
  const block = legacy.at(['model_params']) === undefined ? 'train_params' : 'model_params';
  const framework = frameworkOf(migration, block);
  const combos = combosOf(migration);
  const spec = migration.specs.get(framework);
  if (spec === undefined) {
    for (const { legacy: name } of combos)
      migration.cells.push({ legacy: name, key: null, why: `no ${framework} here` });
    return { state: 'none', why: `there is no adapter for ${framework}`, todo: 'keep it with the legacy suite' };
  }
  const draft = newDraft(spec);
  legacy.take(['schema_version']);
  legacy.take(['framework']);
  assignGpu(migration, draft, [legacy.at(['gpu_arch']) === undefined ? 'gpu_name' : 'gpu_arch']);
  assignContainer(migration, draft);
  assignModel(migration, draft, [
    block,
    legacy.at([block, 'hf_model_name']) === undefined ? 'model_name' : 'hf_model_name',
  ]);
  legacy.take([block, 'model_name']);
  assignToken(migration, draft);
  const isOneNode = isSingle(migration);
  assignNetwork(migration, draft, { block: ['config'], isOneNode });
  const map = { ...TRAINING[framework] };
  assignBlock(migration, draft, { at: [block], map });
  assignSteps(migration, draft, [legacy.at(['config']) === undefined ? block : 'config', 'training_iterations']);
  const nodes = { isOneNode, nnodes: nnodesOf(migration) };
  if (framework === 'megatron') {
    assignRecompute(migration, draft, [block, 'recompute']);
    assignMegatronRanks(migration, draft, { nodes, fsdp: [block, 'fsdp'] });
  } else assignTitanRanks(migration, draft, { ...nodes, dataset: [block] });
  assignCombos(migration, draft, combos);
  legacy.take([block, 'precision']);
  assignEnforce(migration, draft, ['enforce_thresholds']);
  assignFigures(migration, draft, combos);
  return { state: 'made', drafts: [draft] };
}

function frameworkOf({ legacy }: Migration, block: string): string {
  const written = legacy.at(['framework']);
  if (typeof written === 'string') return written.replace(/_(?:single|distributed)$/, '');
  const isTitan = /torchtitan/i.test(legacy.file) || legacy.at([block, 'data_parallel_shard_degree']) !== undefined;
  return isTitan ? 'torchtitan' : 'megatron';
}

function isSingle({ legacy }: Migration): boolean {
  return textOf(legacy.at(['framework'])).endsWith('_single') || /_single(?:_|\.)/.test(legacy.file);
}

function nnodesOf({ legacy }: Migration): JsonPath {
  return legacy.at(['config', 'nnodes']) === undefined ? ['container', 'env', 'NNODES'] : ['config', 'nnodes'];
}

interface Combo {
  /** The name of the cell in the legacy thresholds. */
  readonly legacy: string;
  readonly name: string;
  readonly fields: Fields;
  readonly path: JsonPath;
}

/** The combinations in the run list; the others are declared only. */
function combosOf(migration: Migration): readonly Combo[] {
  const { legacy } = migration;
  const runs = legacy.take(['sweep', 'runs']);
  const list: readonly unknown[] = Array.isArray(runs) ? runs : [];
  const declared = Object.entries(fieldsOf(legacy.at(['sweep', 'combinations']))).filter(([key]) => !isComment(key));
  const combos = declared.map(([key, value]): Combo & { readonly key: string } => {
    const fields = fieldsOf(value);
    const { micro_batch_size: mbs, global_batch_size: gbs, precision } = fields;
    const cell = `MBS=${textOf(mbs)},GBS=${textOf(gbs)},PRECISION=${textOf(precision)}`;
    return { key, legacy: cell, name: textOf(fields['name'] ?? key), fields, path: ['sweep', 'combinations', key] };
  });
  for (const { key, path } of combos.filter((combo) => !list.includes(combo.key))) {
    const why = `declared, but not in the run list: ${key} is not enabled here either`;
    say(migration, 'not_carried', { path, why, todo: 'add it to the sweep to run it' });
  }
  return list.flatMap((key) => combos.filter((combo) => combo.key === key));
}

function assignCombos(migration: Migration, draft: Draft, combos: readonly Combo[]): void {
  const kept = combos.filter((combo) => isKnown(migration, draft, combo));
  const names = distinct(kept.map(({ name }) => nameOf(name)));
  const options = kept.map((combo, index) => ({ ...optionOf(migration, draft, combo), name: names[index] }));
  for (const field of new Set(options.flatMap((option) => Object.keys(option)))) delete draft.params[field];
  draft.sweep = { combination: options };
  draft.cells = kept.map(({ legacy }, index): DraftCell => ({ legacy, when: { combination: names[index] ?? '' } }));
}

function isKnown(migration: Migration, draft: Draft, { fields, path, legacy }: Combo): boolean {
  const { precision } = fields;
  if (precision === undefined || precisionOf(draft.spec.name, precision) !== null) return true;
  const why = `${draft.spec.name} has no param for the number format ${textOf(precision)}`;
  migration.cells.push({ legacy, key: null, why });
  say(migration, 'not_carried', {
    path,
    why,
    todo: 'add the cell by hand, with the flags of the script in extra_args',
  });
  return false;
}

function optionOf(migration: Migration, draft: Draft, { fields, path }: Combo): Record<string, unknown> {
  const option: Record<string, unknown> = {};
  const map = TRAINING[draft.spec.name] ?? {};
  for (const [field, value] of Object.entries(fields)) {
    const to = map[field];
    const schema = to === undefined ? undefined : draft.spec.params.shape[to];
    if (to === undefined || schema === undefined) continue;
    const coerced = coerce(schema, resolveText(migration, value));
    if (!coerced.ok) continue;
    option[to] = coerced.value;
    migration.legacy.take([...path, field]);
  }
  Object.assign(option, precisionOf(draft.spec.name, fields['precision']) ?? {});
  for (const field of ['precision', 'name']) migration.legacy.take([...path, field]);
  return option;
}

function assignFigures(migration: Migration, draft: Draft, combos: readonly Combo[]): void {
  const { thresholds } = migration;
  const taken = new Set<string>();
  const cellOf = (key: string): string | undefined => {
    const pairs = pairsIn(key);
    const isSame = (name: string): boolean =>
      ['MBS', 'GBS', 'PRECISION'].every((pair) => pairsIn(name)[pair]?.toUpperCase() === pairs[pair]?.toUpperCase());
    return draft.cells.find(({ legacy }) => isSame(legacy))?.legacy;
  };
  for (const one of thresholds === null ? [] : figureCells(thresholds)) {
    const cell = cellOf(one.cell);
    if (cell === undefined || taken.has(cell)) continue;
    taken.add(cell).add(one.cell);
    takeFigures(migration, draft, { ...one, cell });
  }
  const isListed = (key: string): boolean => combos.some(({ legacy }) => legacy === key);
  reportOthers(migration, taken, (cell) => ({
    why: isListed(cell) ? 'its cell could not be carried' : 'its cell is not in the run list',
    todo: 'add the cell to the sweep, and this to its thresholds',
  }));
}
