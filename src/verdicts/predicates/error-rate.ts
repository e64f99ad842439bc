import type { ThresholdOf } from '../../config/threshold.ts';
import type { Verdict } from '../../evidence/verdict.ts';
import { judge, withoutAnswer } from '../judge.ts';
import type { Question } from '../judge.ts';
import { selectRequests } from '../run-tables.ts';
import type { RunTables } from '../run-tables.ts';

/** The share of all requests that may fail. */
const LIMIT = 0.01;
/** A load of which more than this fails measures nothing. */
const LIVE_LIMIT = 0.5;
/** Failures among fewer requests say little about the rate of failure. */
const LIVE_FEWEST_REQUESTS = 10;

/**
 * The share of all requests that failed, at most 0.01; n are all requests. Where the framework kept no rows, its own
 * `failed` and `completed` are taken. Without a request there is nothing to judge.
 */
export function evaluateErrorRate(threshold: ThresholdOf<'Predicate'>, tables: RunTables): Verdict {
  const question: Question = {
    threshold,
    metric: 'error_rate',
    name: 'share of failed requests',
    bound: { op: '<=', expected: LIMIT },
    unit: '',
  };
  const { samples, scalars } = tables;
  if (samples !== null) {
    const { completed, failed } = selectRequests(samples);
    return judgeCounts(question, { completed: completed.length, failed }, 'samples.parquet');
  }
  const { completed = null, failed = null } = scalars;
  if (completed !== null && failed !== null) return judgeCounts(question, { completed, failed }, 'manifest.json');
  const reason = 'the run has no samples, nor the summary both completed and failed';
  return withoutAnswer(question, { reason, file: 'manifest.json' });
}

interface Counts {
  readonly completed: number;
  readonly failed: number;
}

function judgeCounts(
  question: Question,
  { completed, failed }: Counts,
  file: 'samples.parquet' | 'manifest.json',
): Verdict {
  const all = completed + failed;
  if (!(all > 0)) return withoutAnswer(question, { reason: 'there are no requests', file });
  return judge(question, {
    actual: failed / all,
    n: all,
    evidence: { file },
    notes: [`${failed} of ${all} requests failed`],
  });
}

/** The requests of a load in flight that have ended. */
export interface EndedRequests {
  readonly finished: number;
  /** Of these. */
  readonly failed: number;
}

/** What is wrong with a load in flight: of 10 or more requests more than half have failed; null while that is not so. */
export function findFailures({ finished, failed }: EndedRequests): string | null {
  const isSafe = finished < LIVE_FEWEST_REQUESTS || failed / finished <= LIVE_LIMIT;
  return isSafe ? null : `${failed} of ${finished} requests failed`;
}
