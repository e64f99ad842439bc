import { parseMetricName } from '../config/metric-name.ts';
import type { ThresholdOf } from '../config/threshold.ts';
import type { SampleColumns } from '../evidence/tables/tables.ts';
import type { Verdict } from '../evidence/verdict.ts';
import { arrivalOrder } from './arrival-order.ts';
import { count, noneCompleted, noteFailures } from './describe.ts';
import { judge, withoutAnswer } from './judge.ts';
import type { Question } from './judge.ts';
import { largestVariance } from './rolling-variance.ts';
import { selectRequests } from './run-tables.ts';
import type { RunTables } from './run-tables.ts';
import { judgeSeries, silenceOf } from './series.ts';

interface StabilityQuestion extends Question {
  readonly threshold: ThresholdOf<'Stability'>;
}

/**
 * The largest population variance of any `window_size` consecutive values, in the
 * squared unit of the metric: of each series, the worst of which counts, or, where
 * the run has no such series, of its completed requests in the order in which they
 * arrived. n are the values of that series, or the requests that have the metric.
 *
 * Neighbours are consecutive whatever their steps. A series with a value that is
 * no number fails the run; a series or a run that does not fill one window has no
 * answer.
 */
export function evaluateStability(threshold: ThresholdOf<'Stability'>, tables: RunTables): Verdict {
  const { metric, window_size: size, max_variance } = threshold;
  const { unit } = parseMetricName(metric);
  const question: StabilityQuestion = {
    threshold,
    metric,
    name: `variance of ${metric} over ${size} values`,
    bound: { op: '<=', expected: max_variance },
    unit: unit === '' ? '' : `${unit}²`,
  };
  const column = tables.samples?.numeric(metric) ?? null;
  if (tables.samples !== null && column !== null && tables.series.every((series) => series.metric !== metric)) {
    return judgeRequests(question, tables.samples, column);
  }
  return judgeSeries(question, tables, (series) => {
    const { values, steps } = series;
    if (values.length < size) return silenceOf(series, describeShortage(values.length, size), values.length);
    const { variance, start } = largestVariance(values, size);
    const where = `from step ${steps[start]} to ${steps[start + size - 1]}`;
    return { series, actual: variance, n: values.length, where };
  });
}

function judgeRequests(question: StabilityQuestion, samples: SampleColumns, column: Float64Array): Verdict {
  const { window_size: size, metric } = question.threshold;
  const file = 'samples.parquet';
  const requests = selectRequests(samples);
  if (requests.completed.length === 0) return withoutAnswer(question, { reason: noneCompleted(requests), file });
  const { rows, values } = pickMeasured(column, arrivalOrder(samples));
  const n = rows.length;
  if (n < size) return withoutAnswer(question, { reason: `the run ${describeShortage(n, size)}`, file, n });
  const { variance, start } = largestVariance(values, size);
  const [first, last] = [rows[start] ?? 0, rows[start + size - 1] ?? 0];
  const missing = requests.completed.length - n;
  const left = `${missing} of ${count(requests.completed.length, 'completed request')} without ${metric} left out`;
  return judge(question, {
    actual: variance,
    n,
    evidence: { file },
    notes: [
      `from request ${samples.requestId(first)} to ${samples.requestId(last)}`,
      ...(missing > 0 ? [left] : []),
      ...noteFailures(requests),
    ],
  });
}

interface Measured {
  readonly rows: Int32Array;
  /** The value of each of the rows. */
  readonly values: Float64Array;
}

/** Those of some rows that have a value. */
function pickMeasured(column: Float64Array, rows: Int32Array): Measured {
  const values = new Float64Array(rows.length);
  let missing = 0;
  for (let i = 0; i < rows.length; i++) {
    const value = column[rows[i] ?? 0] ?? NaN;
    values[i] = value;
    if (Number.isNaN(value)) missing++;
  }
  if (missing === 0) return { rows, values };
  const isMeasured = (_: number, i: number): boolean => !Number.isNaN(values[i]);
  return { rows: rows.filter(isMeasured), values: values.filter(isMeasured) };
}

function describeShortage(n: number, size: number): string {
  return `has ${count(n, 'value')}, and one window takes ${size}`;
}
