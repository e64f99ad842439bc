import type { ThresholdOf } from '../../config/threshold.ts';
import type { PredicateName } from '../../config/thresholds/predicate.ts';
import type { Verdict } from '../../evidence/verdict.ts';
import type { RunTables } from '../run-tables.ts';
import { evaluateErrorRate } from './error-rate.ts';
import { evaluateHealth } from './health.ts';
import { evaluateLossFinite } from './loss-finite.ts';
import { evaluateNoStraggler } from './no-straggler.ts';
import { evaluateRouterBalance } from './router-balance.ts';

type PredicateThreshold = ThresholdOf<'Predicate'>;

const evaluators: { readonly [Name in PredicateName]: (threshold: PredicateThreshold, tables: RunTables) => Verdict } =
  {
    loss_finite: evaluateLossFinite,
    no_straggler: evaluateNoStraggler,
    router_balance: evaluateRouterBalance,
    error_rate: evaluateErrorRate,
    health: evaluateHealth,
  };

/** Judges a run by the predicate of a benchmark that takes no threshold. */
export function evaluatePredicate(threshold: PredicateThreshold, tables: RunTables): Verdict {
  return evaluators[threshold.predicate](threshold, tables);
}
