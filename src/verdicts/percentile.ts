import { isUpperBound } from '../config/thresholds/comparison.ts';
import { parseMetricName, percentileName } from '../config/metric-name.ts';
import type { ThresholdOf } from '../config/threshold.ts';
import type { SampleColumns } from '../evidence/tables/tables.ts';
import type { Verdict } from '../evidence/verdict.ts';
import { count, noneCompleted, noteFailures } from './describe.ts';
import { judge, withoutAnswer } from './judge.ts';
import type { Question } from './judge.ts';
import { findScalar, selectRequests } from './run-tables.ts';
import type { RunTables } from './run-tables.ts';
import { estimatePercentile, minimumSamples } from './statistics.ts';
import { WorstRows } from './worst.ts';

type PercentileThreshold = ThresholdOf<'Percentile'>;

const INTERVAL_CONFIDENCE = 0.95;

/**
 * A percentile over the completed requests, of one role when the threshold
 * names one, in the unit of the metric: the sorted values interpolated linearly
 * at p/100 * (n - 1), with a distribution-free 95 % interval. n are the values.
 *
 * `itl_ms` is taken over every gap of every request where the gaps were kept, as
 * the serving benchmarks define it. A request without the metric is left out and
 * counted in the detail. Where the framework kept no rows or not this metric, its
 * own figure stands in (`ttft_p99_ms`), and the detail says so. With fewer values
 * than `min_samples` the outcome is `insufficient`, whatever they are.
 */
export function evaluatePercentile(threshold: PercentileThreshold, tables: RunTables): Verdict {
  const question = ask(threshold);
  const { samples } = tables;
  if (samples === null) return judgeScalar(question, tables, 'the run has no samples');
  const requests = selectRequests(samples, threshold.role);
  const rows = requests.completed;
  if (rows.length === 0) return withoutAnswer(question, { reason: noneCompleted(requests), file: 'samples.parquet' });
  const worst = new WorstRows(isUpperBound(threshold.op) ? 'highest' : 'lowest');
  const pool = poolOf(threshold.metric, { samples, rows, worst });
  if (pool === null) return judgeScalar(question, tables, `the samples have no ${threshold.metric}`);
  const notes = [...pool.notes, ...noteFailures(requests)];
  return judgePool(question, { ...pool, notes }, worst.list(samples));
}

interface PercentileQuestion extends Question {
  readonly threshold: PercentileThreshold;
}

function ask(threshold: PercentileThreshold): PercentileQuestion {
  const { metric, percentile, op, value, role, min_samples } = threshold;
  return {
    threshold,
    metric,
    name: `${metric} p${percentile}${role === undefined ? '' : ` of role ${role}`}`,
    bound: { op, expected: value },
    unit: parseMetricName(metric).unit,
    neededSamples: min_samples === 'auto' ? minimumSamples(percentile) : (min_samples ?? 0),
  };
}

/** The values that a percentile is taken over. */
interface Pool {
  /** Not one of them is NaN. */
  readonly values: Float64Array;
  readonly isFinite: boolean;
  readonly notes: readonly string[];
}

interface Selection {
  readonly samples: SampleColumns;
  /** The rows that count. */
  readonly rows: Int32Array;
  readonly worst: WorstRows;
}

function poolOf(metric: string, selection: Selection): Pool | null {
  const gaps = metric === 'itl_ms' ? poolGaps(selection) : null;
  if (gaps !== null) return gaps;
  const column = selection.samples.numeric(metric);
  return column === null ? null : poolColumn(metric, column, selection);
}

function poolColumn(metric: string, column: Float64Array, { rows, worst }: Selection): Pool {
  const values = new Float64Array(rows.length);
  let measured = 0;
  let isFinite = true;
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] ?? 0;
    const value = column[row] ?? NaN;
    if (Number.isNaN(value)) continue;
    values[measured++] = value;
    if (value === Infinity || value === -Infinity) isFinite = false;
    worst.offer(value, row);
  }
  const notes = metric === 'itl_ms' ? ['over the mean gap of each request'] : [];
  const missing = rows.length - measured;
  if (missing > 0) notes.push(`${missing} of ${count(rows.length, 'completed request')} without ${metric} left out`);
  return { values: values.subarray(0, measured), isFinite, notes };
}

/** Every gap between streamed chunks; null when no request kept any. */
function poolGaps({ samples: { itls }, rows, worst }: Selection): Pool | null {
  if (itls === null) return null;
  const { offsets, values: gaps } = itls;
  const values = new Float64Array(gaps.length);
  let pooled = 0;
  let isFinite = true;
  for (let index = 0; index < rows.length; index++) {
    const row = rows[index] ?? 0;
    const end = offsets[row + 1] ?? 0;
    for (let i = offsets[row] ?? end; i < end; i++) {
      const gap = gaps[i] ?? NaN;
      if (Number.isNaN(gap)) continue;
      values[pooled++] = gap;
      if (gap === Infinity || gap === -Infinity) isFinite = false;
      worst.offer(gap, row);
    }
  }
  if (pooled === 0) return null;
  const notes = [`over ${count(pooled, 'gap')} of ${count(rows.length, 'request')}`];
  return { values: values.subarray(0, pooled), isFinite, notes };
}

function judgePool(
  question: PercentileQuestion,
  { values, isFinite, notes }: Pool,
  worst: NonNullable<Verdict['evidence']['worst']>,
): Verdict {
  const file = 'samples.parquet';
  if (values.length === 0) {
    return withoutAnswer(question, { reason: `no completed request has ${question.metric}`, file });
  }
  if (!isFinite) {
    return withoutAnswer(question, {
      reason: `some values of ${question.metric} are not finite`,
      file,
      n: values.length,
    });
  }
  const { value, interval } = estimatePercentile(values, question.threshold.percentile, INTERVAL_CONFIDENCE);
  return judge(question, {
    actual: value,
    n: values.length,
    ...(interval === null ? {} : { interval }),
    evidence: { file, worst },
    notes,
  });
}

// Frameworks that keep no rows give a summary; it says nothing about one role.
function judgeScalar(question: PercentileQuestion, { scalars }: RunTables, why: string): Verdict {
  const { metric, percentile, role } = question.threshold;
  const file = 'manifest.json';
  if (role !== undefined)
    return withoutAnswer(question, { reason: `${why}, and a summary is not kept per role`, file });
  const names = scalarNames(metric, percentile);
  const scalar = findScalar(scalars, names);
  if (scalar === null) return withoutAnswer(question, { reason: `${why}, nor the summary a ${names[0]}`, file });
  const completed = scalars['completed'] ?? null;
  if (completed === 0) return withoutAnswer(question, { reason: '0 requests completed', file });
  return judge(question, {
    actual: scalar.value,
    n: completed,
    evidence: { file },
    notes: [`the framework's own ${scalar.name}: ${why}`],
  });
}

/** What the summary may call a percentile: `ttft_p99_ms`; for the 50th also `ttft_median_ms`. */
function scalarNames(metric: string, percentile: number): readonly string[] {
  const { stem, suffix } = parseMetricName(metric);
  const unit = suffix === null ? '' : `_${suffix}`;
  const named = `${percentileName(metric, percentile)}${unit}`;
  return percentile === 50 ? [named, `${stem}_median${unit}`] : [named];
}
