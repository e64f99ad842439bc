import { estimatePercentile } from '../../../verdicts/statistics.ts';
import type { WorkloadResult } from '../../../lifecycle/adapter.ts';
import type { SettledStep, TrainingSeries } from './steps.ts';

const PERCENTILES = [50, 90, 99] as const;
// Of the interval, which nobody asks for here.
const CONFIDENCE = 0.95;

/** The figures of a training; null for what no line said. */
export type TrainingSummary = Pick<WorkloadResult, 'scalars' | 'startedAtMs' | 'durationMs'>;

/**
 * The scalars of a training and the window of its kept steps, those after the warm-up. Rates and times are means over the
 * kept steps, each weighted by how long it took, so that a rate times the duration is the amount of work. They are
 * those of the series that says most of the loss; peak memory is that of all ranks.
 */
export function summarizeSteps(series: readonly TrainingSeries[]): TrainingSummary {
  const main = series.reduce<TrainingSeries | null>(
    (best, one) => (countOf(one, 'loss') > (best === null ? 0 : countOf(best, 'loss')) ? one : best),
    null,
  );
  const steps = main?.steps ?? [];
  const kept = steps.filter(({ isWarmup }) => !isWarmup);
  const losses = valuesOf(steps, 'loss');
  const scalars = {
    throughput_tps: weightedMean(kept, 'throughput'),
    tokens_per_gpu_tps: weightedMean(kept, 'tokens_per_gpu'),
    tflops_per_gpu: weightedMean(kept, 'tflops_per_gpu'),
    step_time_mean_ms: mean(kept, 'step_time_ms'),
    ...percentiles(valuesOf(kept, 'step_time_ms')),
    loss_first: losses[0] ?? null,
    loss_final: losses.at(-1) ?? null,
    steps: steps.length,
    last_step: steps.at(-1)?.step ?? null,
    warmup_steps_dropped: steps.length - kept.length,
    rewound_steps: main?.rewound ?? 0,
    nan_steps: losses.filter((loss) => !Number.isFinite(loss)).length,
    mem_used_peak_gb: peak(series, 'mem_used_gb'),
  };
  return { scalars, ...windowOf(kept) };
}

/** `step_time_{p50,p90,p99}_ms`; none of them where a value is no number. */
function percentiles(values: readonly number[]): Readonly<Record<string, number | null>> {
  const areMeasured = values.length > 0 && values.every(Number.isFinite);
  const at = (percentile: number): number | null =>
    areMeasured ? estimatePercentile(Float64Array.from(values), percentile, CONFIDENCE).value : null;
  return Object.fromEntries(PERCENTILES.map((p) => [`step_time_p${p}_ms`, at(p)]));
}

function countOf({ steps }: TrainingSeries, metric: string): number {
  return valuesOf(steps, metric).length;
}

function valuesOf(steps: readonly SettledStep[], metric: string): readonly number[] {
  return steps.flatMap(({ values }) => values[metric] ?? []);
}

function mean(steps: readonly SettledStep[], metric: string): number | null {
  const measured = steps.filter(({ values }) => values[metric] !== undefined);
  return quotient(
    sum(measured, ({ values, stride }) => (values[metric] ?? NaN) * stride),
    sum(measured, ({ stride }) => stride),
  );
}

/** The mean of a rate over time; over steps where not each of them says how long it took. */
function weightedMean(steps: readonly SettledStep[], metric: string): number | null {
  const measured = steps.filter(({ values }) => values[metric] !== undefined);
  if (measured.some((step) => spanMs(step) === null)) return mean(measured, metric);
  return quotient(
    sum(measured, (step) => (step.values[metric] ?? NaN) * (spanMs(step) ?? NaN)),
    sum(measured, (step) => spanMs(step) ?? NaN),
  );
}

/** How long what a line stands for took. */
function spanMs({ values, stride }: SettledStep): number | null {
  const stepMs = values['step_time_ms'];
  return stepMs === undefined ? null : stepMs * stride;
}

function windowOf(kept: readonly SettledStep[]): Pick<TrainingSummary, 'startedAtMs' | 'durationMs'> {
  const [first] = kept;
  const last = kept.at(-1);
  const firstMs = first === undefined ? null : spanMs(first);
  if (first === undefined || last === undefined || firstMs === null) return { startedAtMs: null, durationMs: null };
  const startedAtMs = first.tsMs === null ? null : first.tsMs - firstMs;
  // Stamps count what is between the steps, such as an evaluation.
  const stamped = startedAtMs === null || last.tsMs === null ? null : last.tsMs - startedAtMs;
  return { startedAtMs, durationMs: stamped ?? sum(kept, (step) => spanMs(step) ?? NaN) };
}

function peak(series: readonly TrainingSeries[], metric: string): number | null {
  const values = series.flatMap(({ steps }) => valuesOf(steps, metric));
  return values.length === 0 ? null : values.reduce((a, b) => Math.max(a, b));
}

function sum(steps: readonly SettledStep[], amount: (step: SettledStep) => number): number {
  return steps.reduce((total, step) => total + amount(step), 0);
}

function quotient(amount: number, over: number): number | null {
  return over === 0 ? null : amount / over;
}
