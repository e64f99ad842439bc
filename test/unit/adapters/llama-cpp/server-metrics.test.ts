import { describe, expect, it } from 'vitest';
import { ServerMetrics } from '../../../../src/adapters/llama-cpp/server-metrics.ts';

const idle = { running: 0, waiting: 0, cacheUsage: 0 };

/** Series of the exposition text by name and labels. */
async function series(metrics: ServerMetrics): Promise<ReadonlyMap<string, number>> {
  const lines = (await metrics.text()).split('\n').filter((line) => line.startsWith('vllm:'));
  return new Map(
    lines.map((line) => {
      const [name = '', value] = line.split(/ (?=\S+$)/);
      return [
        name.replace('engine="0",model_name="tiny"', '').replaceAll(/\{,?\}|,(?=\})|(?<=\{),/g, ''),
        Number(value),
      ];
    }),
  );
}

describe('ServerMetrics', () => {
  it('shows every series before the first request', async () => {
    const all = await series(new ServerMetrics('tiny', () => idle));
    for (const name of [
      'num_requests_running',
      'num_requests_waiting',
      'kv_cache_usage_perc',
      'prompt_tokens_total',
      'generation_tokens_total',
      'request_success_total{finished_reason="stop"}',
      'request_success_total{finished_reason="length"}',
      'request_success_total{finished_reason="abort"}',
      'request_success_total{finished_reason="error"}',
      'time_to_first_token_seconds_count',
      'inter_token_latency_seconds_count',
      'request_time_per_output_token_seconds_count',
      'e2e_request_latency_seconds_count',
      'request_queue_time_seconds_count',
    ]) {
      expect(all.get(`vllm:${name}`), name).toBe(0);
    }
  });

  it('reads the load at the moment of the scrape', async () => {
    let load = idle;
    const metrics = new ServerMetrics('tiny', () => load);
    load = { running: 2, waiting: 3, cacheUsage: 0.25 };
    const all = await series(metrics);
    expect(all.get('vllm:num_requests_running')).toBe(2);
    expect(all.get('vllm:num_requests_waiting')).toBe(3);
    expect(all.get('vllm:kv_cache_usage_perc')).toBe(0.25);
  });

  it('counts a finished request: one first token, the rest between tokens', async () => {
    const metrics = new ServerMetrics('tiny', () => idle);
    const request = metrics.arrived();
    request.admitted(7);
    request.token();
    request.token();
    request.token();
    request.finished('length');
    const all = await series(metrics);
    expect(Object.fromEntries([...all].filter(([name, value]) => /_(total|count)/.test(name) && value !== 0))).toEqual({
      'vllm:prompt_tokens_total': 7,
      'vllm:generation_tokens_total': 3,
      'vllm:request_success_total{finished_reason="length"}': 1,
      'vllm:time_to_first_token_seconds_count': 1,
      'vllm:inter_token_latency_seconds_count': 2,
      'vllm:request_time_per_output_token_seconds_count': 1,
      'vllm:e2e_request_latency_seconds_count': 1,
      'vllm:request_queue_time_seconds_count': 1,
    });
  });

  it('has no time per output token for a single token, and no latency for an aborted request', async () => {
    const metrics = new ServerMetrics('tiny', () => idle);
    const short = metrics.arrived();
    short.admitted(1);
    short.token();
    short.finished('stop');
    metrics.arrived().finished('abort');
    const all = await series(metrics);
    expect(all.get('vllm:request_time_per_output_token_seconds_count')).toBe(0);
    expect(all.get('vllm:e2e_request_latency_seconds_count')).toBe(1);
    expect(all.get('vllm:request_success_total{finished_reason="abort"}')).toBe(1);
  });

  it('adds the metrics of the process', async () => {
    expect(await new ServerMetrics('tiny', () => idle).text()).toContain('process_resident_memory_bytes ');
  });
});
