import { rulesOf } from './threshold.ts';
import type { Threshold } from './threshold.ts';

/**
 * The benchmark that a threshold answers. Where it names none with
 * `benchmark:`, its kind does: a Percentile of `ttft_ms` answers `ttft_p99`, a
 * Rate its own metric (`throughput`), a Goodput `goodput`, a Convergence
 * `perplexity` or, of any other metric, `convergence`, a Monotonicity of `loss`
 * `monotonic_loss`, a Stability of `step_time_ms` `step_time_stability`. Of the
 * thresholds that apply to one cell, no two may answer the same benchmark.
 */
export function benchmarkOf(threshold: Threshold): string {
  return threshold.benchmark ?? rulesOf(threshold).benchmark(threshold);
}

/** The threshold that judges a benchmark, among those of one cell; undefined when there is none. */
export function thresholdFor(benchmark: string, thresholds: readonly Threshold[]): Threshold | undefined {
  return thresholds.find((threshold) => benchmarkOf(threshold) === benchmark);
}
