import type { ThresholdOf } from '../config/threshold.ts';
import type { SampleColumns } from '../evidence/tables/tables.ts';
import type { Verdict } from '../evidence/verdict.ts';
import { measure, noneCompleted, noteFailures } from './describe.ts';
import { judge, withoutAnswer } from './judge.ts';
import type { Question, Silence } from './judge.ts';
import { selectRequests } from './run-tables.ts';
import type { RunTables } from './run-tables.ts';

type GoodputThreshold = ThresholdOf<'Goodput'>;

/**
 * Requests that meet every bound (ms, the bound itself is met) over the measured
 * duration, in requests per second; n are all requests, failed ones included.
 *
 * A failed request is never good, nor is one that lacks a bounded metric, but for
 * the time per further token of an answer of one token, which has none. A summary
 * is no substitute: the framework counted against bounds of its own.
 */
export function evaluateGoodput(threshold: GoodputThreshold, { samples, measuredDurationMs }: RunTables): Verdict {
  const question: Question = {
    threshold,
    metric: 'goodput',
    name: 'goodput',
    bound: { op: threshold.op, expected: threshold.min_qps },
    unit: 'requests/s',
  };
  const silent = (reason: string, file: Silence['file'] = 'samples.parquet'): Verdict =>
    withoutAnswer(question, { reason, file });
  if (samples === null) return silent('the run has no samples', 'manifest.json');
  const requests = selectRequests(samples);
  if (requests.completed.length === 0) return silent(noneCompleted(requests));
  if (measuredDurationMs === null || measuredDurationMs <= 0) {
    return silent('the measured duration is not known', 'manifest.json');
  }
  const limits = limitsOf(threshold, samples);
  const absent = limits.filter(({ column }) => column === null).map(({ metric }) => metric);
  if (absent.length > 0) return silent(`the samples have no ${absent.join(' and no ')}`);
  const good = limits.reduce(within, requests.completed).length;
  const terms = limits.map(({ metric, maxMs }) => `${metric} <= ${measure(maxMs, 'ms')}`).join(' and ');
  return judge(question, {
    actual: good / (measuredDurationMs / 1000),
    n: samples.rows,
    evidence: { file: 'samples.parquet' },
    notes: [`${good} of ${samples.rows} requests met ${terms}`, ...noteFailures(requests)],
  });
}

/** One bound that a good request meets. */
interface Limit {
  readonly metric: string;
  readonly column: Float64Array | null;
  readonly maxMs: number;
  /** Output tokens, where an answer of one token has no value to bound. */
  readonly tokens: Float64Array | null;
}

function limitsOf(threshold: GoodputThreshold, samples: SampleColumns): readonly Limit[] {
  const { metric_pair, ttft_max_ms, tpot_max_ms, e2el_max_ms } = threshold;
  const limit = (metric: string, maxMs: number): Limit => ({
    metric,
    column: samples.numeric(metric),
    maxMs,
    tokens: metric === metric_pair.tpot ? samples.numeric('output_tokens') : null,
  });
  return [
    limit(metric_pair.ttft, ttft_max_ms),
    limit(metric_pair.tpot, tpot_max_ms),
    ...(e2el_max_ms === undefined ? [] : [limit('e2el_ms', e2el_max_ms)]),
  ];
}

function within(rows: Int32Array, { column, maxMs, tokens }: Limit): Int32Array {
  const kept = new Int32Array(rows.length);
  if (column === null) return kept.subarray(0, 0);
  let count = 0;
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] ?? 0;
    const value = column[row] ?? NaN;
    // A value that was not measured is NaN and meets no bound.
    if (value <= maxMs || (tokens !== null && Number.isNaN(value) && tokens[row] === 1)) kept[count++] = row;
  }
  return kept.subarray(0, count);
}
