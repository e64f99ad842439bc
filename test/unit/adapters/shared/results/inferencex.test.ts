import { describe, expect, it } from 'vitest';
import { changed, fixture, readOne } from './files.ts';

describe('InferenceX aggregates', () => {
  it('turns seconds into milliseconds, and shares per GPU into the whole', () => {
    const { scalars, origin, durationMs, dropped } = readOne(fixture('inferencex-agg.json'));
    expect(scalars).toEqual({
      throughput_tps: 100,
      total_token_throughput_tps: 400,
      throughput_per_gpu_tps: 12.5,
      total_token_throughput_per_gpu_tps: 50,
      input_throughput_per_gpu_tps: 37.5,
      ttft_mean_ms: 250,
      ttft_p50_ms: 250,
      ttft_std_ms: 62.5,
      ttft_p99_ms: 500,
      ttft_p99_9_ms: 750,
      tpot_mean_ms: 15.625,
      tpot_std_ms: 1,
      tpot_p99_ms: 31.25,
    });
    expect(origin).toMatchObject({
      framework: 'vllm',
      model: 'acme/large-70b',
      gpu: 'mi355x',
      image: 'acme/vllm:1.0',
      knobs: { quant: 'fp4' },
      axes: { isl: 1024, osl: 512, concurrency: 4 },
      params: { tensor_parallelism: 8, dp_attention: false },
    });
    expect(durationMs).toBeNull();
    expect(dropped).toEqual([expect.stringMatching(/^r\.json: mean_intvty and its kin are one over tpot/)]);
  });

  it('gives no throughput where the number of GPUs is not in the file', () => {
    const { scalars, dropped } = readOne(changed('inferencex-agg.json', { is_multinode: true }));
    expect(scalars).not.toHaveProperty('throughput_tps');
    expect(scalars['throughput_per_gpu_tps']).toBe(12.5);
    expect(dropped.join()).toContain('output_tput_per_gpu is per GPU, and the file does not say of how many');
  });

  it('reads agentic aggregates, without their warm-ups', () => {
    const { scalars, durationMs, dropped, origin } = readOne(fixture('inferencex-agentic.json'));
    expect(scalars).toMatchObject({
      completed: 20,
      warmup_requests: 10,
      throughput_tps: 100,
      total_token_throughput_tps: 1000,
      request_throughput_rps: 0.5,
      throughput_per_gpu_tps: 25,
      ttft_mean_ms: 1500,
      ttft_p50_ms: 1250,
      ttft_p95_ms: 3000,
      e2el_p50_ms: 7000,
    });
    expect(scalars).not.toHaveProperty('failed');
    expect(durationMs).toBe(40_000);
    expect(origin.params['dp_attention']).toBe(true);
    expect(dropped[0]).toBe(
      'r.json: request_accounting.records_warmup_dropped is 10: no figure of the file counts these requests',
    );
  });

  it('reads baselines in milliseconds, with their power', () => {
    const { scalars, endedAtMs, origin } = readOne(fixture('inferencex-baseline.json'));
    expect(scalars).toMatchObject({
      completed: 160,
      throughput_tps: 1000,
      ttft_p50_ms: 350,
      ttft_p99_ms: 550,
      tpot_p50_ms: 12.5,
      mean_power_per_gpu_w: 430,
      tokens_per_kw: 290,
    });
    expect(endedAtMs).toBe(Date.UTC(2026, 1, 3, 4, 5, 6));
    expect(origin.framework).toBe('sglang');
  });
});
