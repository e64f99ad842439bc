import type { Threshold } from '../../../../src/config/threshold.ts';
import { threshold } from '../../verdicts/tables.ts';

/** Thresholds of every kind; a 0 that stands for nothing would meet most of them. */
export const everyThreshold: readonly Threshold[] = [
  threshold('Percentile', { metric: 'ttft_ms', percentile: 99, op: '<=', value: 50 }),
  threshold('Percentile', { metric: 'tpot_ms', percentile: 50, op: '<=', value: 50 }),
  threshold('Percentile', { metric: 'itl_ms', percentile: 99, op: '<=', value: 50 }),
  threshold('Percentile', { metric: 'e2el_ms', percentile: 95, op: '<=', value: 50 }),
  threshold('Percentile', { metric: 'output_tokens', percentile: 99, op: '<=', value: 50 }),
  threshold('Rate', { metric: 'throughput', per_unit: 'sec', op: '>=', min_rate: 0.001 }),
  threshold('Rate', { metric: 'request_throughput', per_unit: 'sec', op: '>=', min_rate: 0.001 }),
  threshold('Goodput', { ttft_max_ms: 50, tpot_max_ms: 50, op: '>=', min_qps: 0.001 }),
  threshold('Stability', { metric: 'queue_depth', window_size: 2, max_variance: 10 }),
  threshold('Monotonicity', { metric: 'queue_depth', window: 1, tolerance: 10 }),
  threshold('Convergence', { metric: 'queue_depth', target: 10, epsilon: 10, op: '<=' }),
  threshold('Predicate', { predicate: 'error_rate' }),
  threshold('Predicate', { predicate: 'health' }),
];

/** What each of them is called in a failure. */
export const NAMES: readonly string[] = everyThreshold.map(({ kind }, index) => `${kind} ${index}`);
