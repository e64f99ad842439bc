import { plain } from '../coerce.ts';
import { nameOf } from '../draft.ts';
import { textOf } from '../legacy.ts';
import type { Draft, DraftCell } from '../draft.ts';
import { takeFigures } from '../figures.ts';
import { distinct, figureCells, pairsIn, reportOthers } from '../shared.ts';
import type { Migration } from '../migration.ts';
import type { Reason } from '../outcome.ts';

/** A pair of lengths, and the name that it is run by. */
export interface Combo {
  readonly name: string;
  readonly isl: unknown;
  readonly osl: unknown;
}

/** One entry of a run list. */
export interface Run {
  readonly combo: Combo;
  readonly concurrency: unknown;
}

/** Writes a run list as two axes, of lengths and of concurrencies, and its entries as cells, named after their model. */
export function assignRuns(draft: Draft, runs: readonly Run[], model = ''): void {
  const combos = [...new Set(runs.map(({ combo }) => combo))];
  const names = distinct(combos.map(({ name }) => nameOf(name)));
  const concurrencies = [...new Set(runs.map(({ concurrency }) => plain(concurrency)))];
  draft.sweep = {
    isl_osl: combos.map(({ isl, osl }, index) => ({ isl: plain(isl), osl: plain(osl), name: names[index] })),
    concurrency: concurrencies,
  };
  draft.cells = runs.map((run): DraftCell => {
    const when = { isl_osl: names[combos.indexOf(run.combo)] ?? '', concurrency: scalarOf(plain(run.concurrency)) };
    return { legacy: keyOfRun(run, model), when };
  });
}

function scalarOf(value: unknown): string | number {
  return typeof value === 'number' ? value : textOf(value);
}

/** How the legacy suites call a cell, without its degrees of parallelism: they are no part of what is matched. */
export function keyOfRun({ combo, concurrency }: Run, model = ''): string {
  return `${model === '' ? '' : `${model}: `}ISL=${textOf(combo.isl)},OSL=${textOf(combo.osl)},CONC=${textOf(concurrency)}`;
}

/** Takes the figures of the cells that run; those of any other are reported. */
export function assignRunFigures(
  migration: Migration,
  draft: Draft,
  isFit: (key: string) => boolean = () => true,
): void {
  const { thresholds } = migration;
  const taken = new Set<string>();
  for (const one of thresholds === null ? [] : figureCells(thresholds)) {
    const { ISL, OSL, CONC } = pairsIn(one.cell);
    const cell = draft.cells.find(({ legacy }) => legacy === `ISL=${ISL},OSL=${OSL},CONC=${CONC}`);
    if (cell === undefined || taken.has(cell.legacy) || !isFit(one.cell)) continue;
    taken.add(cell.legacy).add(one.cell);
    takeFigures(migration, draft, { ...one, cell: cell.legacy });
  }
  reportOthers(migration, taken, (cell) => {
    if (!cell.startsWith('ISL='))
      return { why: 'a figure of an accuracy task, and none runs here', todo: 'run the task by itself' };
    return isFit(cell) ? NOT_LISTED : OTHER_DEGREE;
  });
}

/** Why a figure of a cell that does not run is not carried. */
export const NOT_LISTED: Reason = {
  why: 'its cell is not in the run list',
  todo: 'add the cell to the sweep, and this to its thresholds',
};
/** Why a figure of another tensor parallelism is not carried. */
export const OTHER_DEGREE: Reason = {
  why: 'its cell has another tensor parallelism than the config',
  todo: 'set it in a config with that tensor_parallelism',
};

/** Whether the name of a cell has the tensor parallelism of a draft, or none. */
export function hasDegree(draft: Draft, key: string): boolean {
  const { TP } = pairsIn(key);
  return TP === undefined || Number(TP) === (draft.params['tensor_parallelism'] ?? 1);
}
