import { groupBy } from '../core/group-by.ts';
import type { AxisValues } from './axis.ts';
import { benchmarkOf } from './benchmark.ts';
import type { CellMistake } from './checks/cell-mistakes.ts';
import type { CellThreshold } from './cell.ts';
import type { Unplaced } from './issues/issues.ts';
import type { Workload } from './schema/schema.ts';
import type { TopologyKind } from './schema/topology.ts';
import { hintForMiss, selects } from './selector.ts';
import type { Threshold, ThresholdOf } from './threshold.ts';
import { isJudgedIn } from './thresholds/predicate.ts';

/** What judges one cell, and the subjects that two thresholds judge with the same right. */
export interface CellThresholds {
  readonly thresholds: readonly CellThreshold[];
  readonly mistakes: readonly CellMistake[];
}

interface Applicable {
  readonly index: number;
  readonly subject: string;
  readonly threshold: Threshold;
  readonly placed: CellThreshold;
}

/** A benchmark's own predicate, and the entry of `benchmarks:` that asks for it. */
export interface CellPredicate extends CellThreshold {
  readonly threshold: ThresholdOf<'Predicate'>;
}

/** What may judge the cells of a config. */
export interface Judges {
  /** The thresholds that the config writes. */
  readonly written: readonly CellThreshold[];
  /** The predicates that it asks for: each judges where nothing written does. */
  readonly predicates: readonly CellPredicate[];
}

/**
 * The thresholds of each cell of a config: of several for one benchmark, the one whose `when:` names most; then the
 * predicates that have something to judge there. Cells that are judged alike share one list.
 */
export function thresholdsByCell({ written, predicates }: Judges): (cell: SelectedCell) => CellThresholds {
  const candidates = written.map((placed, index) => ({
    index,
    subject: benchmarkOf(placed.threshold),
    threshold: placed.threshold,
    placed,
  }));
  const lists = new Map<string, readonly CellThreshold[]>();
  const decided = new Map<string, CellThresholds>();
  return ({ cellId, axes, topologyKind }) => {
    const applicable = candidates.filter(({ placed }) => selects(placed.threshold.when ?? {}, axes));
    const alike = [topologyKind, ...applicable.map(({ index }) => index)].join();
    const known = decided.get(alike);
    if (known !== undefined) return known;
    const { winners, mistakes } = decide(applicable, cellId);
    const answered = new Set(winners.map(({ subject }) => subject));
    const own = predicates.filter(
      ({ threshold }) => isJudgedIn(topologyKind, threshold.predicate) && !answered.has(benchmarkOf(threshold)),
    );
    const key = [...winners.map(({ index }) => index), ...own.map(({ threshold }) => threshold.predicate)].join();
    const thresholds = lists.get(key) ?? [...winners.map(({ placed }) => placed), ...own];
    lists.set(key, thresholds);
    const judging = { thresholds, mistakes };
    // A mistake names its cell.
    if (mistakes.length === 0) decided.set(alike, judging);
    return judging;
  };
}

interface SelectedCell {
  readonly cellId: string;
  readonly axes: AxisValues;
  readonly topologyKind: TopologyKind;
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

function mostSpecific<T extends Pick<Applicable, 'threshold'>>(candidates: readonly T[]): readonly T[] {
  const most = Math.max(...candidates.map(specificity));
  return candidates.filter((candidate) => specificity(candidate) === most);
}

function specificity({ threshold }: Pick<Applicable, 'threshold'>): number {
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

/** The thresholds that a more specific one outranks in every cell that they select, and so never judge. */
export function checkOutranked(thresholds: Workload['thresholds'], cells: readonly AxisValues[]): readonly Unplaced[] {
  const candidates = thresholds.map((threshold, index) => ({ index, threshold, subject: benchmarkOf(threshold) }));
  const selected = new Set<number>();
  const judging = new Set<number>();
  for (const axes of cells) {
    const applicable = candidates.filter(({ threshold }) => selects(threshold.when ?? {}, axes));
    for (const { index } of applicable) selected.add(index);
    for (const group of groupBy(applicable, ({ subject }) => subject).values()) {
      for (const { index } of mostSpecific(group)) judging.add(index);
    }
  }
  return candidates
    .filter(({ index }) => selected.has(index) && !judging.has(index))
    .map(({ index, subject }) => ({
      path: ['thresholds', index],
      message: `never judges: in every cell a more specific threshold judges ${subject}`,
      hint: 'remove it',
    }));
}
