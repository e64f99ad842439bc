import { parseMetricName } from '../config/metric-name.ts';
import type { ThresholdOf } from '../config/threshold.ts';
import type { Series } from '../evidence/tables/tables.ts';
import type { Verdict } from '../evidence/verdict.ts';
import type { Bound } from './bound.ts';
import type { Question } from './judge.ts';
import type { RunTables } from './run-tables.ts';
import { judgeSeries, silenceOf } from './series.ts';

type ConvergenceThreshold = ThresholdOf<'Convergence'>;

/**
 * Whether some point of a series gets to the target in time: within epsilon of
 * it, or with `op: "<="` to target + epsilon or below. `actual` is the value of
 * the point that comes closest, in the unit of the metric; n are the points in
 * time.
 *
 * In time are the steps up to `by_step`, or what was measured in the first
 * `by_wallclock_sec` seconds of the measured window, both included; without
 * either, all. Every rank and host has to get there: the series that comes least
 * close counts, and none may hold a value that is no number.
 */
export function evaluateConvergence(threshold: ConvergenceThreshold, tables: RunTables): Verdict {
  const question = ask(threshold);
  const deadline = deadlineOf(threshold, tables.startedAtMs);
  return judgeSeries(question, tables, (series) => {
    if (deadline === null) return { reason: 'the start of the run is not known', file: 'manifest.json' };
    const { n, best, step } = approach(series, question.bound, deadline);
    if (n === 0) return silenceOf(series, 'has no point in time');
    return { series, actual: best, n, where: `closest at step ${step}` };
  });
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

/** The last point that counts, by one of the columns of a series; all do where there is no column. */
interface Deadline {
  readonly column: 'steps' | 'tsMs' | null;
  readonly last: number;
}

/** Which points count; null when that cannot be told. */
function deadlineOf({ by_step, by_wallclock_sec }: ConvergenceThreshold, startedAtMs: number | null): Deadline | null {
  if (by_step !== undefined) return { column: 'steps', last: by_step };
  if (by_wallclock_sec === undefined) return { column: null, last: Infinity };
  if (startedAtMs === null) return null;
  return { column: 'tsMs', last: startedAtMs + by_wallclock_sec * 1000 };
}

/** How close one series comes to its target. */
interface Approach {
  /** Points in time. */
  readonly n: number;
  readonly best: number;
  readonly step: number;
}

function approach(series: Series, bound: Bound, { column, last }: Deadline): Approach {
  const { values, steps } = series;
  const times = column === null ? null : series[column];
  let n = 0;
  let closest = Infinity;
  let index = -1;
  for (let i = 0; i < values.length; i++) {
    if (times !== null && !((times[i] ?? Infinity) <= last)) continue;
    n++;
    const value = values[i] ?? NaN;
    const distance = bound.op === 'within' ? Math.abs(value - bound.expected) : value;
    if (distance >= closest) continue;
    closest = distance;
    index = i;
  }
  return { n, best: values[index] ?? NaN, step: steps[index] ?? NaN };
}
