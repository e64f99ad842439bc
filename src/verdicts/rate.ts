import { isUpperBound } from '../config/thresholds/comparison.ts';
import { SECONDS_PER_UNIT } from '../config/thresholds/rate.ts';
import type { ThresholdOf } from '../config/threshold.ts';
import type { SampleColumns } from '../evidence/tables/tables.ts';
import type { Verdict } from '../evidence/verdict.ts';
import { count, noneCompleted, noteFailures } from './describe.ts';
import { judge, withoutAnswer } from './judge.ts';
import type { Question } from './judge.ts';
import { findScalar, selectRequests } from './run-tables.ts';
import type { Requests, RunTables } from './run-tables.ts';

/** What a rate counts, and where it is found. */
interface Quantity {
  readonly noun: string;
  /** The columns that are added up; none means that each request counts as one. */
  readonly columns: readonly string[];
  /** What the framework's summary calls the rate, per second. */
  readonly scalars: readonly string[];
}

const quantities: Readonly<Record<string, Quantity>> = {
  throughput: { noun: 'tokens', columns: ['output_tokens'], scalars: ['throughput_tps', 'throughput'] },
  request_throughput: {
    noun: 'requests',
    columns: [],
    scalars: ['request_throughput_rps', 'request_throughput'],
  },
  tokens_per_gpu: { noun: 'tokens', columns: ['tokens_per_gpu'], scalars: ['tokens_per_gpu_tps', 'tokens_per_gpu'] },
  image_throughput: { noun: 'images', columns: [], scalars: ['image_throughput'] },
  video_throughput: { noun: 'videos', columns: [], scalars: ['video_throughput'] },
  total_token_throughput: {
    noun: 'tokens',
    columns: ['input_tokens', 'output_tokens'],
    scalars: ['total_token_throughput_tps', 'total_token_throughput'],
  },
};

function quantityOf(metric: string): Quantity {
  return quantities[metric] ?? { noun: metric, columns: [metric], scalars: [metric] };
}

interface RateQuestion extends Question {
  readonly threshold: ThresholdOf<'Rate'>;
  readonly quantity: Quantity;
}

/**
 * An amount over the measured duration, for each second, minute or hour as
 * `per_unit` says; only completed requests count, and n are those with an amount.
 *
 * The amount is output tokens for `throughput`, input and output tokens for
 * `total_token_throughput`, requests for `request_throughput`, and for any other
 * metric the sum of its column. Where there are no rows, no such column or no
 * duration, the framework's own figure stands in, which is per second
 * (`throughput_tps`), and the detail says so.
 */
export function evaluateRate(threshold: ThresholdOf<'Rate'>, tables: RunTables): Verdict {
  const { metric, op, min_rate, per_unit } = threshold;
  const quantity = quantityOf(metric);
  const unit = `${quantity.noun}/${per_unit === 'sec' ? 's' : per_unit}`;
  const question = { threshold, metric, name: metric, bound: { op, expected: min_rate }, unit, quantity };
  const { samples, measuredDurationMs } = tables;
  if (samples === null) return judgeScalar(question, tables, 'the run has no samples');
  const requests = selectRequests(samples);
  if (requests.completed.length === 0) {
    return withoutAnswer(question, { reason: noneCompleted(requests), file: 'samples.parquet' });
  }
  if (measuredDurationMs === null || measuredDurationMs <= 0) {
    return judgeScalar(question, tables, 'the measured duration is not known');
  }
  const total = addUp(quantity, samples, requests);
  if (total === null) return judgeScalar(question, tables, `the samples have no ${quantity.columns.join(' and ')}`);
  return judgeTotal(question, total, measuredDurationMs);
}

interface Total {
  readonly amount: number;
  readonly requests: Requests;
  /** Completed requests whose amount was not measured. */
  readonly missing: number;
}

/** The amount of all completed requests; null when none of them has one. */
function addUp({ columns }: Quantity, samples: SampleColumns, requests: Requests): Total | null {
  const parts = columns.map((name) => samples.numeric(name)).filter((column) => column !== null);
  if (parts.length < columns.length) return null;
  const rows = requests.completed;
  let amount = columns.length === 0 ? rows.length : 0;
  let missing = 0;
  for (let i = 0; i < rows.length && parts.length > 0; i++) {
    const row = rows[i] ?? 0;
    let own = 0;
    for (const part of parts) own += part[row] ?? NaN;
    if (Number.isNaN(own)) missing++;
    else amount += own;
  }
  return missing === rows.length ? null : { amount, requests, missing };
}

function judgeTotal(question: RateQuestion, { amount, requests, missing }: Total, durationMs: number): Verdict {
  const { threshold, quantity } = question;
  const { completed } = requests;
  const file = 'samples.parquet';
  const without = `${missing} of ${count(completed.length, 'completed request')} without ${quantity.columns.join(' or ')}`;
  // What is missing can only make a rate look lower: harmless for a floor, not for a ceiling.
  if (missing > 0 && isUpperBound(threshold.op)) return withoutAnswer(question, { reason: without, file });
  const seconds = durationMs / 1000;
  return judge(question, {
    actual: (amount / seconds) * SECONDS_PER_UNIT[threshold.per_unit],
    n: completed.length - missing,
    evidence: { file },
    notes: [...(missing > 0 ? [without] : []), ...noteFailures(requests)],
  });
}

function judgeScalar(question: RateQuestion, { scalars }: RunTables, why: string): Verdict {
  const { threshold, quantity } = question;
  const file = 'manifest.json';
  const scalar = findScalar(scalars, quantity.scalars);
  if (scalar === null)
    return withoutAnswer(question, { reason: `${why}, nor the summary a ${quantity.scalars[0]}`, file });
  const completed = scalars['completed'] ?? null;
  if (completed === 0) return withoutAnswer(question, { reason: '0 requests completed', file });
  return judge(question, {
    actual: scalar.value * SECONDS_PER_UNIT[threshold.per_unit],
    n: completed,
    evidence: { file },
    notes: [`the framework's own ${scalar.name}: ${why}`],
  });
}
