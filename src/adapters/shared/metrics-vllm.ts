import { growthOf, meanOf, ratio } from './metrics-figures.ts';
import type { Increases } from './metrics-figures.ts';
import type { Gauge } from './serving-observe.ts';

/** vLLM's gauges that become time series. */
export const VLLM_GAUGES: Readonly<Record<string, Gauge>> = {
  'vllm:num_requests_running': { metric: 'requests_running', together: 'sum' },
  'vllm:num_requests_waiting': { metric: 'queue_depth', together: 'sum' },
  // A share of each engine's own cache, 0 to 1.
  'vllm:kv_cache_usage_perc': { metric: 'memory_pressure', together: 'max' },
};

/** Requests that vLLM ended with an answer, by the label of its counter. */
const ANSWERED = ['stop', 'length', 'repetition'];

/**
 * What a vLLM server measured of a load itself, warm-up requests included: means of its histograms in milliseconds,
 * growths of its counters. Null where it does not publish one.
 */
export function vllmServerFigures(increases: Increases): Readonly<Record<string, number | null>> {
  const meanMs = (...histograms: readonly string[]): number | null =>
    histograms
      .map((name) => inMs(meanOf(increases, `vllm:${name}_seconds`)))
      .reduce((found, next) => found ?? next, null);
  return {
    server_ttft_mean_ms: meanMs('time_to_first_token'),
    server_tpot_mean_ms: meanMs('request_time_per_output_token'),
    // Up to 0.10 the gaps between tokens went by the other name.
    server_itl_mean_ms: meanMs('inter_token_latency', 'time_per_output_token'),
    server_e2el_mean_ms: meanMs('e2e_request_latency'),
    server_queue_mean_ms: meanMs('request_queue_time'),
    server_prefill_mean_ms: meanMs('request_prefill_time'),
    server_decode_mean_ms: meanMs('request_decode_time'),
    server_input_tokens: growthOf(increases, 'vllm:prompt_tokens_total'),
    server_output_tokens: growthOf(increases, 'vllm:generation_tokens_total'),
    server_requests_answered: growthOf(increases, 'vllm:request_success_total', ({ finished_reason: reason }) =>
      ANSWERED.includes(reason ?? ''),
    ),
    server_preemptions: growthOf(increases, 'vllm:num_preemptions_total'),
    server_prefix_cache_hit_rate: ratio(
      growthOf(increases, 'vllm:prefix_cache_hits_total'),
      growthOf(increases, 'vllm:prefix_cache_queries_total'),
    ),
    http_5xx: growthOf(
      increases,
      'http_requests_total',
      ({ handler = '', status }) => handler.startsWith('/v1/') && status === '5xx',
    ),
  };
}

function inMs(seconds: number | null): number | null {
  return seconds === null ? null : seconds * 1000;
}
