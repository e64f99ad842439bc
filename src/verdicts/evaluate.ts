import type { Threshold, ThresholdKind, ThresholdOf } from '../config/threshold.ts';
import type { Verdict } from '../evidence/verdict.ts';
import { evaluateConvergence } from './convergence.ts';
import { evaluateGoodput } from './goodput.ts';
import { evaluateMonotonicity } from './monotonicity.ts';
import { evaluatePercentile } from './percentile.ts';
import { evaluatePredicate } from './predicates/evaluate-predicate.ts';
import { evaluateRate } from './rate.ts';
import type { RunTables } from './run-tables.ts';
import { evaluateStability } from './stability.ts';

/**
 * The version of what verdicts mean, part of every verification hash. Bump it
 * when the same threshold on the same rows can give another outcome, actual,
 * margin, n or interval; not for a new kind or another wording.
 */
export const verdictEngineVersion = 2;

const evaluators: { readonly [K in ThresholdKind]: (threshold: ThresholdOf<K>, tables: RunTables) => Verdict } = {
  Percentile: evaluatePercentile,
  Rate: evaluateRate,
  Goodput: evaluateGoodput,
  Convergence: evaluateConvergence,
  Monotonicity: evaluateMonotonicity,
  Stability: evaluateStability,
  Predicate: evaluatePredicate,
};

/** Judges one run by one threshold; the same rows always give the same verdict. */
export function evaluateThreshold<Kind extends ThresholdKind>(
  threshold: ThresholdOf<Kind>,
  tables: RunTables,
): Verdict {
  return evaluators[threshold.kind](threshold, tables);
}

/** Judges one run by every threshold of its cell, in their order. */
export function evaluateAll(thresholds: readonly Threshold[], tables: RunTables): readonly Verdict[] {
  return thresholds.map((threshold) => evaluateThreshold(threshold, tables));
}
