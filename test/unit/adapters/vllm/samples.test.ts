import { describe, expect, it } from 'vitest';
import { counterIncreases, parseMetrics } from '../../../../src/adapters/shared/metrics-scrape.ts';
import { vllmServerFigures } from '../../../../src/adapters/shared/metrics-vllm.ts';
import { noSamples, readOne, sample } from '../shared/results/files.ts';

const DETAILED = 'vllm/auro_h100_c8_detailed_2025-03.json';
const SUMMARIES = [DETAILED, 'vllm/cvs_vllm_results_sample.json', 'vllm/er0080_bench_serve_v0.25.1.json'];
const IDLE = 'vllm-metrics/er0080_metrics_vllm_0_25_1_idle.txt';
const LOADED = 'vllm-metrics/er0080_metrics_vllm_0_25_1_loaded.txt';

interface Raw {
  readonly ttfts: readonly number[];
  readonly itls: readonly (readonly number[])[];
  readonly input_lens: readonly number[];
  readonly output_lens: readonly number[];
  readonly [field: string]: unknown;
}

const rawOf = (path: string): Raw => JSON.parse(sample(path).toString()) as Raw;
const at = (raw: Raw, field: string): number => {
  const value = raw[field];
  if (typeof value !== 'number') throw new Error(`${field} is no number`);
  return value;
};
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Linear interpolation between the two nearest ranks, as numpy does it. */
function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const place = (percent / 100) * (sorted.length - 1);
  const [below = NaN, above = below] = sorted.slice(Math.floor(place), Math.floor(place) + 2);
  return below + (above - below) * (place % 1);
}

// Each expectation is computed here, from the bytes of the file, by what its format means.
describe.skipIf(noSamples !== null)(`published results of vLLM${noSamples === null ? '' : `: ${noSamples}`}`, () => {
  it('have requests in milliseconds: seconds of the file, times 1000', () => {
    const raw = rawOf(DETAILED);
    const { rows } = readOne(sample(DETAILED), DETAILED);
    expect(rows.length).toBe(at(raw, 'completed'));
    for (const [index, row] of rows.entries()) {
      const [ttft = NaN, gaps = [], output = NaN] = [raw.ttfts[index], raw.itls[index], raw.output_lens[index]];
      const sum = gaps.reduce((total, gap) => total + gap, 0);
      expect(row.ttftMs).toBe(ttft * 1000);
      expect(row.tpotMs).toBeCloseTo((sum / (output - 1)) * 1000, 9);
      expect(row.itlMs).toBeCloseTo((sum / gaps.length) * 1000, 9);
      expect(row.e2elMs).toBeCloseTo((ttft + sum) * 1000, 9);
      expect([row.inputTokens, row.outputTokens, row.ok]).toEqual([raw.input_lens[index], output, true]);
    }
  });

  it('have requests that bear out the summary of the tool, to a millionth of it', () => {
    const raw = rawOf(DETAILED);
    const { rows } = readOne(sample(DETAILED), DETAILED);
    const [ttfts, tpots] = [rows.map(({ ttftMs }) => ttftMs ?? NaN), rows.map(({ tpotMs }) => tpotMs ?? NaN)];
    const gaps = rows.flatMap(({ itlsMs }) => itlsMs);
    for (const [name, values] of [
      ['ttft', ttfts],
      ['tpot', tpots],
      ['itl', gaps],
    ] as const) {
      expect(Math.abs(mean(values) / at(raw, `mean_${name}_ms`) - 1)).toBeLessThan(1e-6);
      expect(Math.abs(percentile(values, 50) / at(raw, `median_${name}_ms`) - 1)).toBeLessThan(1e-6);
      expect(Math.abs(percentile(values, 99) / at(raw, `p99_${name}_ms`) - 1)).toBeLessThan(1e-6);
    }
  });

  it.each(SUMMARIES)('%s: rates are counts over the duration, times stay milliseconds', (path) => {
    const raw = rawOf(path);
    const { scalars, durationMs } = readOne(sample(path), path);
    const seconds = at(raw, 'duration');
    const [input, output] = [at(raw, 'total_input_tokens'), at(raw, 'total_output_tokens')];
    expect(durationMs).toBe(seconds * 1000);
    expect(scalars['request_throughput_rps']).toBeCloseTo(at(raw, 'completed') / seconds, 9);
    expect(scalars['throughput_tps']).toBeCloseTo(output / seconds, 6);
    expect(scalars['total_token_throughput_tps']).toBeCloseTo((input + output) / seconds, 6);
    expect(scalars['requests']).toBe(at(raw, 'num_prompts'));
    expect(scalars['failed']).toBe(at(raw, 'num_prompts') - at(raw, 'completed'));
    for (const name of ['ttft', 'tpot', 'itl']) {
      expect(scalars[`${name}_mean_ms`]).toBe(at(raw, `mean_${name}_ms`));
      expect(scalars[`${name}_p50_ms`]).toBe(at(raw, `median_${name}_ms`));
      expect(scalars[`${name}_p99_ms`]).toBe(at(raw, `p99_${name}_ms`));
    }
  });

  it('have metrics that say what the server did between two looks', () => {
    const [idle, loaded] = [IDLE, LOADED].map((path) => sample(path).toString());
    const grown = (series: string): number => numberAt(loaded ?? '', series) - numberAt(idle ?? '', series);
    const figures = vllmServerFigures(counterIncreases(parseMetrics(idle ?? ''), parseMetrics(loaded ?? '')));
    const meanMs = (name: string): number =>
      (grown(`vllm:${name}_seconds_sum`) / grown(`vllm:${name}_seconds_count`)) * 1000;
    expect(figures['server_ttft_mean_ms']).toBeCloseTo(meanMs('time_to_first_token'), 9);
    expect(figures['server_itl_mean_ms']).toBeCloseTo(meanMs('inter_token_latency'), 9);
    expect(figures['server_tpot_mean_ms']).toBeCloseTo(meanMs('request_time_per_output_token'), 9);
    expect(figures['server_e2el_mean_ms']).toBeCloseTo(meanMs('e2e_request_latency'), 9);
    expect(figures['server_queue_mean_ms']).toBeCloseTo(meanMs('request_queue_time'), 9);
    expect(figures['server_output_tokens']).toBe(grown('vllm:generation_tokens_total'));
    expect(figures['server_input_tokens']).toBe(grown('vllm:prompt_tokens_total'));
    expect(figures['server_prefix_cache_hit_rate']).toBeCloseTo(
      grown('vllm:prefix_cache_hits_total') / grown('vllm:prefix_cache_queries_total'),
      12,
    );
    // Requests in flight had their first token, and are not answered yet.
    expect(grown('vllm:time_to_first_token_seconds_count')).toBeGreaterThan(figures['server_requests_answered'] ?? NaN);
  });
});

/** The value of a series by its name alone, in a text that has one engine and one model. */
function numberAt(text: string, name: string): number {
  const line = text.split('\n').find((one) => one.startsWith(`${name}{`));
  return line === undefined ? 0 : Number(line.slice(line.lastIndexOf(' ') + 1));
}
