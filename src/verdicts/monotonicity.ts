import { parseMetricName } from '../config/metric-name.ts';
import type { ThresholdOf } from '../config/threshold.ts';
import type { Window } from '../config/thresholds/monotonicity.ts';
import type { Series } from '../evidence/tables/tables.ts';
import type { Verdict } from '../evidence/verdict.ts';
import { count, measure } from './describe.ts';
import type { Question } from './judge.ts';
import type { RunTables } from './run-tables.ts';
import { judgeSeries, silenceOf } from './series.ts';

type MonotonicityThreshold = ThresholdOf<'Monotonicity'>;

/**
 * How far a series turns back between two adjacent points of the window; 0
 * when it never does. The reversal is the difference of the two, in the unit of
 * the metric, or, when relative, its share of the amount of the first, without a
 * unit. The series that turns back most counts, and n are its points in the
 * window; none may hold a value that is no number.
 *
 * The window is the last quarter, or another fraction, of the points, rounded up,
 * or the points of the last so many steps. Both points of a reversal lie in it.
 */
export function evaluateMonotonicity(threshold: MonotonicityThreshold, tables: RunTables): Verdict {
  const { window, relative = false } = threshold;
  return judgeSeries(ask(threshold), tables, (series) => {
    const start = windowStart(series, window);
    const n = series.values.length - start;
    if (n < 2) {
      return silenceOf(series, `has ${count(n, 'point')} in ${describeWindow(window)}, and a reversal takes 2`, n);
    }
    const { size, index } = worstReversal(series, start, threshold);
    const [before, after] = [series.steps[index - 1], series.steps[index]];
    if (relative && size === Infinity) {
      return silenceOf(series, `turns back from 0 at step ${before}, and no share of 0 says how far`, n);
    }
    return { series, actual: size, n, where: size === 0 ? 'no reversal' : `from step ${before} to ${after}` };
  });
}

function ask(threshold: MonotonicityThreshold): Question {
  const { metric, direction, tolerance, relative = false, window } = threshold;
  const turn = `${relative ? 'relative ' : ''}${direction === 'non_increasing' ? 'rise' : 'fall'}`;
  return {
    threshold,
    metric,
    name: `worst ${turn} of ${metric} in ${describeWindow(window)}`,
    bound: { op: '<=', expected: tolerance },
    unit: relative ? '' : parseMetricName(metric).unit,
  };
}

function describeWindow(window: Window): string {
  if (typeof window === 'object') return `the last ${window.last_steps} steps`;
  if (window === 'last_quarter') return 'the last quarter';
  return window === 1 ? 'the whole run' : `the last ${measure(window * 100, '%')}`;
}

/** The index of the first point of the window. */
function windowStart({ steps }: Series, window: Window): number {
  if (typeof window === 'object') {
    const end = steps.at(-1) ?? 0;
    return steps.findLastIndex((step) => step <= end - window.last_steps) + 1;
  }
  const fraction = window === 'last_quarter' ? 0.25 : window;
  // 0.07 of 100 points is 7.000000000000001 of them.
  return steps.length - Math.ceil(steps.length * fraction - 1e-9);
}

interface Reversal {
  readonly size: number;
  /** The index of the later point. */
  readonly index: number;
}

function worstReversal({ values }: Series, start: number, threshold: MonotonicityThreshold): Reversal {
  const { direction, relative = false } = threshold;
  const sign = direction === 'non_increasing' ? 1 : -1;
  let worst: Reversal = { size: 0, index: start };
  for (let index = start + 1; index < values.length; index++) {
    const before = values[index - 1] ?? NaN;
    const difference = sign * ((values[index] ?? NaN) - before);
    const size = relative ? difference / Math.abs(before) : difference;
    if (size > worst.size) worst = { size, index };
  }
  return worst;
}
