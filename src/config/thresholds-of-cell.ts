import { groupBy } from '../core/group-by.ts';
import type { AxisValues } from './axis.ts';
import { benchmarkOf } from './benchmark.ts';
import type { CellMistake } from './cell-mistakes.ts';
import type { CellThreshold } from './cell.ts';
import type { Unplaced } from './issues.ts';
import type { Workload } from './schema.ts';
import { hintForMiss, selects } from './selector.ts';

/** What judges one cell, and the subjects that two thresholds judge with the same right. */
export interface CellThresholds {
  readonly thresholds: readonly CellThreshold[];
  readonly mistakes: readonly CellMistake[];
}

interface Applicable {
  readonly index: number;
  readonly subject: string;
  readonly placed: CellThreshold;
}

/**
 * The thresholds of each cell of a config: of several for one benchmark, the one whose `when:` names most. Cells
 * that are judged alike share one list.
 */
export function thresholdsByCell(all: readonly CellThreshold[]): (cell: SelectedCell) => CellThresholds {
  const candidates = all.map((placed, index) => ({ index, subject: benchmarkOf(placed.threshold), placed }));
  const lists = new Map<string, readonly CellThreshold[]>();
  return ({ cellId, axes }) => {
    const applicable = candidates.filter(({ placed }) => selects(placed.threshold.when ?? {}, axes));
    const { winners, mistakes } = decide(applicable, cellId);
    const key = winners.map(({ index }) => index).join();
    const thresholds = lists.get(key) ?? winners.map(({ placed }) => placed);
    lists.set(key, thresholds);
    return { thresholds, mistakes };
  };
}

interface SelectedCell {
  readonly cellId: string;
  readonly axes: AxisValues;
}

function decide(
  applicable: readonly Applicable[],
  cellId: string,
): { readonly winners: readonly Applicable[]; readonly mistakes: readonly CellMistake[] } {
  const winners: Applicable[] = [];
  const mistakes: CellMistake[] = [];
  for (const [subject, candidates] of groupBy(applicable, (candidate) => candidate.subject)) {
    const [winner, ...rivals] = mostSpecific(candidates);
    if (winner !== undefined) winners.push(winner);
    for (const { index } of rivals) {
      mistakes.push({
        path: ['thresholds', index],
        cellId,
        message: `judges ${subject}, and so does the threshold at ${winner?.placed.source}`,
        hint: 'remove one, or make its `when:` more specific',
      });
    }
  }
  return { winners: winners.toSorted((a, b) => a.index - b.index), mistakes };
}

function mostSpecific(candidates: readonly Applicable[]): readonly Applicable[] {
  const most = Math.max(...candidates.map(specificity));
  return candidates.filter((candidate) => specificity(candidate) === most);
}

function specificity({ placed }: Applicable): number {
  return Object.keys(placed.threshold.when ?? {}).length;
}

/** The thresholds whose `when:` selects none of a config's cells, and so never judge. */
export function checkWhen(thresholds: Workload['thresholds'], cells: readonly AxisValues[]): readonly Unplaced[] {
  return thresholds.flatMap(({ when }, index) => {
    if (when === undefined || cells.length === 0 || cells.some((axes) => selects(when, axes))) return [];
    return [
      {
        path: ['thresholds', index, 'when'],
        message: `${JSON.stringify(when)} selects no cell`,
        hint: hintForMiss(when, cells),
      },
    ];
  });
}
