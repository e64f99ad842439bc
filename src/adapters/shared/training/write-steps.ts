import type { ParseContext } from '../../../lifecycle/adapter.ts';
import type { TrainingSeries } from './steps.ts';

/** Metrics of how fast a step was: those of the warm-up say nothing of the steps after it. */
const TIMING_METRICS: ReadonlySet<string> = new Set([
  'step_time_ms',
  'comm_ms',
  'compute_ms',
  'throughput',
  'tflops_per_gpu',
  'tokens_per_gpu',
  'mfu',
]);

/**
 * Writes one row per step and metric: `loss`, `grad_norm` and the like of every step; metrics of speed from the end of the
 * warm-up on, and before as `warmup_<metric>`. A row has the time stamp of its line, else `startedAtMs` plus the step
 * times so far, milliseconds since the Unix epoch.
 */
export function writeSteps(
  writer: ParseContext['writer'],
  series: readonly TrainingSeries[],
  startedAtMs: number,
): void {
  for (const { role, host, rank, steps } of series) {
    let clockMs = startedAtMs;
    for (const { step, tsMs, values, isWarmup, stride } of steps) {
      const stepMs = values['step_time_ms'];
      clockMs = tsMs ?? clockMs + (stepMs !== undefined && Number.isFinite(stepMs) ? stepMs * stride : 0);
      for (const [name, value] of Object.entries(values)) {
        const metric = isWarmup && TIMING_METRICS.has(name) ? `warmup_${name}` : name;
        writer.point({ step, tsMs: clockMs, metric, value, role, host, rank });
      }
    }
  }
}
