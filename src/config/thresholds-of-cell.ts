import { benchmarkOf } from './benchmark.ts';
import type { CellThreshold } from './cell.ts';
import type { Unplaced } from './issues.ts';
import type { Workload } from './schema.ts';
import { hintForMiss, selects } from './selector.ts';
import type { AxisValues } from './selector.ts';
import type { Threshold } from './threshold.ts';

/** The thresholds of a config, and the place of the n-th as `file:line`. */
interface ThresholdList {
  readonly thresholds: Workload['thresholds'];
  readonly sourceOf: (index: number) => string;
}

/** What judges one cell, and the subjects that two thresholds judge with the same right. */
interface CellThresholds {
  readonly thresholds: readonly CellThreshold[];
  readonly mistakes: readonly Unplaced[];
}

interface Applicable {
  readonly index: number;
  readonly threshold: Threshold;
}

/** The thresholds of a cell: of several for one benchmark, the one whose `when:` names most. */
export function thresholdsOfCell(
  { thresholds, sourceOf }: ThresholdList,
  { cellId, axes }: { readonly cellId: string; readonly axes: AxisValues },
): CellThresholds {
  const bySubject = new Map<string, readonly Applicable[]>();
  for (const [index, threshold] of thresholds.entries()) {
    if (!selects(threshold.when ?? {}, axes)) continue;
    const subject = benchmarkOf(threshold);
    bySubject.set(subject, [...(bySubject.get(subject) ?? []), { index, threshold }]);
  }
  const winners: Applicable[] = [];
  const mistakes: Unplaced[] = [];
  for (const [subject, candidates] of bySubject) {
    const [winner, ...rivals] = mostSpecific(candidates);
    if (winner !== undefined) winners.push(winner);
    for (const { index } of rivals) {
      mistakes.push({
        path: ['thresholds', index],
        message: `judges ${subject} in cell ${cellId}, and so does thresholds[${winner?.index}]`,
        hint: 'remove one, or make its `when:` more specific',
      });
    }
  }
  winners.sort((a, b) => a.index - b.index);
  return { thresholds: winners.map(({ threshold, index }) => ({ threshold, source: sourceOf(index) })), mistakes };
}

function mostSpecific(candidates: readonly Applicable[]): readonly Applicable[] {
  const most = Math.max(...candidates.map(specificity));
  return candidates.filter((candidate) => specificity(candidate) === most);
}

function specificity({ threshold }: Applicable): number {
  return Object.keys(threshold.when ?? {}).length;
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
