import { parseMetricName } from '../config/metric-name.ts';
import type { ThresholdOf } from '../config/threshold.ts';
import type { Series } from '../evidence/tables.ts';
import type { Verdict } from '../evidence/verdict.ts';
import { marginOf } from './bound.ts';
import type { Bound } from './bound.ts';
import { count } from './describe.ts';
import { broken, judge, withoutAnswer } from './judge.ts';
import type { Question } from './judge.ts';
import type { RunTables } from './run-tables.ts';

type ConvergenceThreshold = ThresholdOf<'Convergence'>;

const file = 'trajectory.parquet';

/**
 * Whether some point of a series gets to the target in time. Every rank and
 * host has to: the series that comes least close counts. One value that is not
 * a number, at any time, fails the run.
 */
export function evaluateConvergence(threshold: ConvergenceThreshold, tables: RunTables): Verdict {
  const question = ask(threshold);
  const series = tables.series.filter(({ metric }) => metric === threshold.metric);
  if (series.length === 0)
    return withoutAnswer(question, { reason: `the run has no series ${threshold.metric}`, file });
  const ruined = series.find(({ values }) => !values.every(Number.isFinite));
  if (ruined !== undefined) return broken(question, { reason: describeRuin(ruined), file, n: ruined.values.length });
  const isInTime = deadlineOf(threshold, tables.startedAtMs);
  if (isInTime === null) {
    return withoutAnswer(question, { reason: 'the start of the run is not known', file: 'manifest.json' });
  }
  const approaches = series.map((one) => approach(one, question.bound, isInTime));
  const late = approaches.find(({ n }) => n === 0);
  if (late !== undefined)
    return withoutAnswer(question, { reason: `${nameOf(late.series)} has no point in time`, file });
  return judgeWorst(question, approaches);
}

function ask(threshold: ConvergenceThreshold): Question {
  const { metric, target, epsilon, op } = threshold;
  return {
    threshold,
    metric,
    name: `${metric} ${describeDeadline(threshold)}`,
    bound: op === '<=' ? { op, expected: target + epsilon } : { op: 'within', expected: target, tolerance: epsilon },
    unit: parseMetricName(metric).unit,
  };
}

function describeDeadline({ by_step, by_wallclock_sec }: ConvergenceThreshold): string {
  if (by_step !== undefined) return `by step ${by_step}`;
  return by_wallclock_sec === undefined ? 'by the end of the run' : `by ${by_wallclock_sec} s`;
}

type IsInTime = (series: Series, index: number) => boolean;

/** Which points count; null when that cannot be told. */
function deadlineOf({ by_step, by_wallclock_sec }: ConvergenceThreshold, startedAtMs: number | null): IsInTime | null {
  if (by_step !== undefined) return ({ steps }, index) => (steps[index] ?? Infinity) <= by_step;
  if (by_wallclock_sec === undefined) return () => true;
  if (startedAtMs === null) return null;
  const endMs = startedAtMs + by_wallclock_sec * 1000;
  return ({ tsMs }, index) => (tsMs[index] ?? Infinity) <= endMs;
}

/** How close one series comes to its target. */
interface Approach {
  readonly series: Series;
  /** Points in time. */
  readonly n: number;
  readonly best: number;
  readonly margin: number;
  readonly step: number;
}

function approach(series: Series, bound: Bound, isInTime: IsInTime): Approach {
  const { values, steps } = series;
  let n = 0;
  let closest = Infinity;
  let index = -1;
  for (let i = 0; i < values.length; i++) {
    if (!isInTime(series, i)) continue;
    n++;
    const value = values[i] ?? NaN;
    const distance = bound.op === 'within' ? Math.abs(value - bound.expected) : value;
    if (distance >= closest) continue;
    closest = distance;
    index = i;
  }
  const best = values[index] ?? NaN;
  return { series, n, best, margin: marginOf(bound, best), step: steps[index] ?? NaN };
}

function judgeWorst(question: Question, approaches: readonly Approach[]): Verdict {
  const worst = approaches.reduce((a, b) => (b.margin < a.margin ? b : a));
  const which = approaches.length === 1 ? [] : [`worst of ${approaches.length} series: ${nameOf(worst.series)}`];
  return judge(question, {
    actual: worst.best,
    n: worst.n,
    evidence: { file },
    notes: [`closest at step ${worst.step}`, ...which],
  });
}

function describeRuin(series: Series): string {
  const { values, steps } = series;
  const first = values.findIndex((value) => !Number.isFinite(value));
  const bad = values.reduce((sum, value) => sum + (Number.isFinite(value) ? 0 : 1), 0);
  return `${nameOf(series)} has ${count(bad, 'value')} not a number, first at step ${steps[first]}`;
}

function nameOf({ role, host, rank }: Series): string {
  return `${role} ${host}${rank === null ? '' : ` rank ${rank}`}`;
}
