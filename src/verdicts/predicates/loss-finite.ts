import type { ThresholdOf } from '../../config/threshold.ts';
import type { Verdict } from '../../evidence/verdict.ts';
import { countFaults, findFault } from '../finite.ts';
import { judge, withoutAnswer } from '../judge.ts';
import type { RunTables } from '../run-tables.ts';
import { nameOf } from '../series.ts';

const LOSS = 'loss';
const WATCHED: readonly string[] = [LOSS, 'grad_norm'];
const file = 'trajectory.parquet';

/**
 * How many values of `loss` and `grad_norm` are not finite (NaN, infinite, or stored as null), over all steps, ranks and
 * hosts; none may be. A count, without a unit; n are the values looked at. Without a loss there is nothing to judge,
 * without a grad_norm the loss alone is.
 */
export function evaluateLossFinite(threshold: ThresholdOf<'Predicate'>, tables: RunTables): Verdict {
  const question = {
    threshold,
    metric: LOSS,
    name: 'number of values of loss and grad_norm that are not finite',
    bound: { op: '<=', expected: 0 },
    unit: '',
  } as const;
  const watched = tables.series.filter(({ metric, values }) => WATCHED.includes(metric) && values.length > 0);
  if (watched.every(({ metric }) => metric !== LOSS)) {
    return withoutAnswer(question, { reason: `the run has no series ${LOSS}`, file });
  }
  const faults = watched.flatMap((series) => {
    const index = findFault(series.values);
    return index < 0 ? [] : [{ series, step: series.steps[index] ?? NaN }];
  });
  const [first] = faults.toSorted((a, b) => a.step - b.step);
  return judge(question, {
    actual: watched.reduce((sum, { values }) => sum + countFaults(values), 0),
    n: watched.reduce((sum, { values }) => sum + values.length, 0),
    evidence: { file },
    notes: first === undefined ? [] : [`first ${first.series.metric} of ${nameOf(first.series)} at step ${first.step}`],
  });
}

/** A value that a training has just printed. */
export interface TrainingValue {
  readonly metric: string;
  readonly step: number;
  readonly value: number;
}

/** What is wrong with the values of a training in flight: the first loss or grad_norm that is not finite; null when none is. */
export function findNonFinite(printed: readonly TrainingValue[]): string | null {
  const first = printed.find(({ metric, value }) => WATCHED.includes(metric) && !Number.isFinite(value));
  return first === undefined ? null : `${first.metric} is ${first.value} at step ${first.step}`;
}
