import type { Threshold } from '../config/threshold.ts';
import { evaluateThreshold } from './evaluate.ts';
import { selectRequests } from './run-tables.ts';
import type { RunTables } from './run-tables.ts';

const LATENCIES = ['ttft', 'tpot', 'itl', 'e2el'] as const;
const PERCENTILES = [50, 90, 99] as const;

/**
 * The figures that every inference run has, from its samples: counts,
 * `throughput_tps` (output tokens) and `request_throughput_rps`, and
 * `<latency>_{p50,p90,p99}_ms` over the completed requests. Null where nothing
 * was measured; none at all without samples.
 */
export function inferenceScalars(tables: Omit<RunTables, 'scalars'>): Readonly<Record<string, number | null>> {
  const { samples } = tables;
  if (samples === null || samples.rows === 0) return {};
  const { completed, failed } = selectRequests(samples);
  // The evaluators answer: a scalar and a verdict on the same figure can never differ.
  const actual = (threshold: Threshold): number | null =>
    evaluateThreshold(threshold, { ...tables, scalars: {} }).actual;
  const rate = (metric: string): number | null =>
    actual({ kind: 'Rate', metric, per_unit: 'sec', op: '>=', min_rate: 0 });
  const percentile = (metric: string, p: number): number | null =>
    actual({ kind: 'Percentile', metric, percentile: p, op: '<=', value: 0 });
  return {
    requests: samples.rows,
    completed: completed.length,
    failed,
    throughput_tps: rate('throughput'),
    request_throughput_rps: rate('request_throughput'),
    ...Object.fromEntries(
      LATENCIES.flatMap((name) => PERCENTILES.map((p) => [`${name}_p${p}_ms`, percentile(`${name}_ms`, p)])),
    ),
  };
}
