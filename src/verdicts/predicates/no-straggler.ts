import type { ThresholdOf } from '../../config/threshold.ts';
import { formatNumber } from '../../core/units.ts';
import type { Series } from '../../evidence/tables/tables.ts';
import type { Verdict } from '../../evidence/verdict.ts';
import { count } from '../describe.ts';
import { broken, judge, withoutAnswer } from '../judge.ts';
import type { RunTables } from '../run-tables.ts';
import { findRuin, nameOf, silenceOf } from '../series.ts';
import { orderStatistics } from '../order-statistics.ts';

/** So many times what the others take, a rank may take at most. */
const LIMIT = 1.25;
/** A rank that takes so many times what the others take holds up the whole job. */
const LIVE_LIMIT = 5;
/** Fewer steps of a rank may be a hiccup. */
const FEWEST_STEPS = 5;
const LIVE_FEWEST_STEPS = 10;
const file = 'trajectory.parquet';

/**
 * The median step of the slowest rank over that of a usual one, at most 1.25. A ratio, without a unit; n are the steps of
 * all ranks.
 *
 * A rank is a series of `compute_ms`, its own work without waiting, or, where the run has none, of `step_time_ms`, in
 * which ranks that wait for each other look alike. The usual rank is the middle one, of an even number the quicker of
 * the two in the middle, so that of two ranks the slow one is held against the quick one. There must be 2 ranks, with 5
 * steps each.
 */
export function evaluateNoStraggler(threshold: ThresholdOf<'Predicate'>, tables: RunTables): Verdict {
  const { metric, ranks } = ranksOf(tables);
  const question = {
    threshold,
    metric,
    name: `median ${metric} of the slowest rank over that of a usual one`,
    bound: { op: '<=', expected: LIMIT },
    unit: '',
  } as const;
  const ruin = findRuin(ranks);
  if (ruin !== null) return broken(question, ruin);
  if (ranks.length < 2) {
    const reason = `the run has ${count(ranks.length, 'rank')} with ${metric}, and a comparison takes 2`;
    return withoutAnswer(question, { reason, file });
  }
  const short = ranks.find(({ values }) => values.length < FEWEST_STEPS);
  if (short !== undefined) {
    const reason = `has ${count(short.values.length, 'step')}, and a comparison takes ${FEWEST_STEPS}`;
    return withoutAnswer(question, silenceOf(short, reason, short.values.length));
  }
  const { slowest, medianMs, usualMs } = compareRanks(
    ranks.map((series) => ({ name: nameOf(series), timesMs: series.values })),
  );
  return judge(question, {
    actual: medianMs / usualMs,
    n: ranks.reduce((sum, { values }) => sum + values.length, 0),
    evidence: { file },
    notes: [`slowest of ${ranks.length}: ${slowest}, ${formatNumber(medianMs)} ms to ${formatNumber(usualMs)} ms`],
  });
}

function ranksOf({ series }: RunTables): { readonly metric: string; readonly ranks: readonly Series[] } {
  const own = series.filter(({ metric }) => metric === 'compute_ms');
  if (own.length > 0) return { metric: 'compute_ms', ranks: own };
  return { metric: 'step_time_ms', ranks: series.filter(({ metric }) => metric === 'step_time_ms') };
}

/** What one rank took for each of its steps, in milliseconds. */
export interface RankTimes {
  readonly name: string;
  readonly timesMs: Float64Array | readonly number[];
}

interface Comparison {
  /** The name of the slowest rank. */
  readonly slowest: string;
  readonly medianMs: number;
  readonly usualMs: number;
}

function compareRanks(ranks: readonly RankTimes[]): Comparison {
  const medians = Float64Array.from(ranks, ({ timesMs }) => median(timesMs));
  const medianMs = medians.reduce((a, b) => Math.max(a, b), -Infinity);
  const slowest = ranks[medians.indexOf(medianMs)]?.name ?? '';
  const [usualMs = NaN] = orderStatistics(medians, [Math.floor((medians.length - 1) / 2)]);
  return { slowest, medianMs, usualMs };
}

function median(values: RankTimes['timesMs']): number {
  const middle = (values.length - 1) / 2;
  const [below = NaN, above = NaN] = orderStatistics(new Float64Array(values), [Math.floor(middle), Math.ceil(middle)]);
  return below + (above - below) / 2;
}

/**
 * What is wrong with the ranks of a training in flight, by their latest steps: one takes more than 5 times what a usual
 * one does. Null while that is not so, and before each of 2 or more ranks has 10 steps to tell.
 */
export function findStraggler(ranks: readonly RankTimes[]): string | null {
  if (ranks.length < 2 || ranks.some(({ timesMs }) => timesMs.length < LIVE_FEWEST_STEPS)) return null;
  const { slowest, medianMs, usualMs } = compareRanks(ranks);
  if (!(medianMs > LIVE_LIMIT * usualMs)) return null;
  return `${slowest} takes ${formatNumber(medianMs)} ms a step, and a usual rank ${formatNumber(usualMs)} ms`;
}
