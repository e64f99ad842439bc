import { describe, expect, it } from 'vitest';
import { benchmarkOf, thresholdFor } from '../../../src/config/benchmark.ts';
import { thresholdSchema } from '../../../src/config/threshold.ts';
import type { Threshold } from '../../../src/config/threshold.ts';

const parse = (input: unknown): Threshold => thresholdSchema.parse(input);
const percentile = (metric: string, percent: number): Threshold =>
  parse({ kind: 'Percentile', metric, percentile: percent, op: '<=', value: 50 });
const rate = (metric: string): Threshold => parse({ kind: 'Rate', metric, per_unit: 'sec', op: '>=', min_rate: 1 });
const convergence = (metric: string): Threshold => parse({ kind: 'Convergence', metric, target: 2, epsilon: 0.1 });
const goodput = parse({ kind: 'Goodput', ttft_max_ms: 450, tpot_max_ms: 40, op: '>=', min_qps: 600 });

describe('benchmarkOf', () => {
  it.each([
    [percentile('ttft_ms', 99), 'ttft_p99'],
    [percentile('tpot_ms', 99), 'tpot_p99'],
    [percentile('itl_ms', 99), 'itl_p99'],
    [percentile('e2el_ms', 50), 'e2el_p50'],
    [percentile('step_time_ms', 99.9), 'step_time_p99_9'],
    [percentile('queue_depth', 90), 'queue_depth_p90'],
    [percentile('output_tokens', 90), 'output_tokens_p90'],
    [rate('throughput'), 'throughput'],
    [rate('request_throughput'), 'request_throughput'],
    [goodput, 'goodput'],
    [convergence('perplexity'), 'perplexity'],
    [convergence('loss'), 'convergence'],
  ])('%j answers %s', (threshold, benchmark) => {
    expect(benchmarkOf(threshold)).toBe(benchmark);
  });

  it('lets a threshold name its own', () => {
    expect(benchmarkOf({ ...percentile('kv_transfer_ms', 99), benchmark: 'handoff_latency' })).toBe('handoff_latency');
  });
});

describe('thresholdFor', () => {
  const thresholds = [rate('throughput'), percentile('ttft_ms', 99), percentile('ttft_ms', 50), goodput];

  it.each([
    ['throughput', thresholds[0]],
    ['ttft_p99', thresholds[1]],
    ['ttft_p50', thresholds[2]],
    ['goodput', thresholds[3]],
    ['tpot_p99', undefined],
    ['ttft_p9', undefined],
    ['Goodput', undefined],
  ])('%s is judged by %j', (benchmark, threshold) => {
    expect(thresholdFor(benchmark, thresholds)).toBe(threshold);
  });
});
