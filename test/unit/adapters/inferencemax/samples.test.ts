import { describe, expect, it } from 'vitest';
import { AssayError } from '../../../../src/core/errors.ts';
import { noSamples, read, readOne, sample } from '../shared/results/files.ts';

const RAW = 'inferencemax/infx_raw_multinode_conc16.json';
const AGGREGATE = 'inferencemax/infx_agg_kimik2.5_conc4.json';
const BASELINE = 'inferencemax/infx_baseline_sglang_dsr1_conc16.json';
const AGENTIC = 'inferencemax/infx_agentic_kimik2.7_conc4.json';
const REQUESTS = 'inferencemax/infx_aiperf_profile_export_slice.jsonl';
const METRICS = 'inferencemax/infx_aiperf_server_metrics.csv';

// Each expectation is computed here, from the bytes of the file, by what its format means.
describe.skipIf(noSamples !== null)(
  `published results of InferenceX${noSamples === null ? '' : `: ${noSamples}`}`,
  () => {
    it('the client: rates are counts over the duration, and times stay milliseconds', () => {
      const raw = numbersOf(RAW);
      const { scalars, durationMs, rows, origin } = readOne(sample(RAW), RAW);
      expect(durationMs).toBe(at(raw, 'duration') * 1000);
      expect(scalars['request_throughput_rps']).toBeCloseTo(at(raw, 'completed') / at(raw, 'duration'), 9);
      expect(scalars['throughput_tps']).toBeCloseTo(at(raw, 'total_output_tokens') / at(raw, 'duration'), 9);
      const tokens = at(raw, 'total_input_tokens') + at(raw, 'total_output_tokens');
      expect(scalars['total_token_throughput_tps']).toBeCloseTo(tokens / at(raw, 'duration'), 9);
      for (const [metric, name] of METRIC_NAMES) {
        for (const [statistic, ours] of [
          ['mean', 'mean'],
          ['median', 'p50'],
          ['p90', 'p90'],
          ['p99', 'p99'],
        ] as const) {
          expect([name, ours, scalars[`${name}_${ours}_ms`]]).toEqual([
            name,
            ours,
            at(raw, `${statistic}_${metric}_ms`),
          ]);
        }
      }
      // Every answer has as many tokens as were asked for, so the means obey ttft + tpot * (tokens - 1) = latency.
      const outputTokens = at(raw, 'total_output_tokens') / at(raw, 'completed');
      const latency = (scalars['ttft_mean_ms'] ?? NaN) + (scalars['tpot_mean_ms'] ?? NaN) * (outputTokens - 1);
      expect(scalars['e2el_mean_ms']).toBeCloseTo(latency, 3);
      expect([scalars['request_goodput_rps'], scalars['failed'], rows]).toEqual([null, 0, []]);
      expect(origin.params).toMatchObject({ concurrency: 16, num_prompts: 160 });
    });

    it('the aggregate: seconds become milliseconds, and a share of a GPU becomes the whole', () => {
      const raw = numbersOf(AGGREGATE);
      const { scalars, origin } = readOne(sample(AGGREGATE), AGGREGATE);
      for (const [metric, name] of METRIC_NAMES) {
        expect(scalars[`${name}_mean_ms`]).toBe(at(raw, `mean_${metric}`) * 1000);
        expect(scalars[`${name}_p99_ms`]).toBe(at(raw, `p99_${metric}`) * 1000);
      }
      expect(scalars['throughput_tps']).toBeCloseTo(at(raw, 'output_tput_per_gpu') * at(raw, 'tp'), 9);
      expect(scalars['total_token_throughput_tps']).toBeCloseTo(at(raw, 'tput_per_gpu') * at(raw, 'tp'), 9);
      // Their interactivity is one over our tpot, of the mean as of the slow end.
      expect(1000 / (scalars['tpot_mean_ms'] ?? NaN)).toBeCloseTo(at(raw, 'mean_intvty'), 9);
      expect(1000 / (scalars['tpot_p99_ms'] ?? NaN)).toBeCloseTo(at(raw, 'p99_intvty'), 9);
      expect(Object.keys(scalars).filter((name) => name.includes('intvty'))).toEqual([]);
      // A text in the file.
      expect(origin.params).toMatchObject({
        tensor_parallelism: 8,
        concurrency: 4,
        isl: 1024,
        osl: 1024,
        dp_attention: false,
      });
    });

    it('the baseline: power belongs to all GPUs or to one, and nothing has changed its unit', () => {
      const { metrics, gpu } = JSON.parse(sample(BASELINE).toString()) as Record<
        'metrics' | 'gpu',
        Record<string, number>
      >;
      const { scalars, endedAtMs } = readOne(sample(BASELINE), BASELINE);
      expect(scalars['throughput_tps']).toBe(metrics['output_token_throughput']);
      expect(scalars['ttft_p50_ms']).toBe(metrics['median_ttft_ms']);
      expect(scalars['e2el_p99_ms']).toBe(metrics['p99_e2el_ms']);
      expect(scalars['total_avg_power_w']).toBeCloseTo((scalars['mean_power_per_gpu_w'] ?? NaN) * at(gpu, 'n_gpus'), 0);
      expect(scalars['tokens_per_kw']).toBeCloseTo(
        at(metrics, 'output_token_throughput') / ((scalars['total_avg_power_w'] ?? NaN) / 1000),
        0,
      );
      expect(endedAtMs).toBe(Date.UTC(2026, 5, 12, 0, 51, 16));
    });

    it('the agentic aggregate: warm-ups are counted and in no figure', () => {
      const raw = JSON.parse(sample(AGENTIC).toString()) as Agentic;
      const { scalars, durationMs } = readOne(sample(AGENTIC), AGENTIC);
      const { records_total, records_profiled, records_warmup_dropped } = raw.request_accounting;
      expect(records_profiled + records_warmup_dropped).toBe(records_total);
      expect(scalars).toMatchObject({ completed: records_profiled, warmup_requests: records_warmup_dropped });
      const { throughput, latency } = raw.request_metrics;
      expect(durationMs).toBe(throughput.duration_seconds * 1000);
      expect(scalars['request_throughput_rps']).toBeCloseTo(667 / throughput.duration_seconds, 9);
      expect(scalars['throughput_tps']).toBe(throughput.output.tokens_per_second);
      // 872.50225 tokens a request, of which the file has the mean.
      expect(scalars['throughput_tps']).toBeCloseTo((872.50225 * 667) / throughput.duration_seconds, 3);
      expect([scalars['ttft_p95_ms'], scalars['e2el_mean_ms']]).toEqual([
        latency.ttft.p95 * 1000,
        latency.e2el.mean * 1000,
      ]);
    });

    it('the requests of AIPerf: 18 of 19 lines are measured, from their own times and in their own units', () => {
      const lines = sample(REQUESTS)
        .toString()
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Request);
      const measured = lines.filter(({ metadata }) => metadata.benchmark_phase === 'profiling');
      const { rows, scalars, startedAtMs, durationMs } = readOne(sample(REQUESTS), REQUESTS);
      expect([lines.length, measured.length, rows.length, scalars['warmup_requests']]).toEqual([19, 18, 18, 1]);
      const startNs = Math.min(...measured.map(({ metadata }) => metadata.request_start_ns));
      const endNs = Math.max(...measured.map(({ metadata }) => metadata.request_end_ns));
      expect(startedAtMs).toBeCloseTo(startNs / 1e6, 0);
      expect(durationMs).toBeCloseTo((endNs - startNs) / 1e6, 0);
      for (const [index, { metadata, metrics }] of measured.entries()) {
        const row = rows[index];
        expect(row).toMatchObject({ requestId: metadata.x_request_id, ok: true, error: null });
        expect(row?.tsMs).toBeCloseTo((metadata.request_start_ns - startNs) / 1e6, 0);
        expect(row?.e2elMs).toBeCloseTo((metadata.request_end_ns - metadata.request_start_ns) / 1e6, -2);
        const [ttft, latency, tokens] = [
          valueOf(metrics, 'time_to_first_token'),
          valueOf(metrics, 'request_latency'),
          valueOf(metrics, 'output_sequence_length'),
        ];
        expect([row?.ttftMs, row?.e2elMs, row?.outputTokens]).toEqual([ttft, latency, tokens]);
        expect(row?.inputTokens).toBe(valueOf(metrics, 'input_sequence_length'));
        if (tokens > 1) expect(row?.tpotMs).toBeCloseTo((latency - ttft) / (tokens - 1), 6);
      }
    });

    it('the metrics of the server are no result of a load', () => {
      expect(() => read(sample(METRICS), METRICS)).toThrow(AssayError);
    });
  },
);

const METRIC_NAMES = [
  ['ttft', 'ttft'],
  ['tpot', 'tpot'],
  ['itl', 'itl'],
  ['e2el', 'e2el'],
] as const;

interface Agentic {
  readonly request_accounting: Readonly<
    Record<'records_total' | 'records_profiled' | 'records_warmup_dropped', number>
  >;
  readonly request_metrics: {
    readonly throughput: { readonly duration_seconds: number; readonly output: { readonly tokens_per_second: number } };
    readonly latency: Readonly<Record<string, { readonly mean: number; readonly p95: number }>> &
      Record<'ttft' | 'e2el', { mean: number; p95: number }>;
  };
}

interface Request {
  readonly metadata: {
    readonly benchmark_phase: string;
    readonly x_request_id: string;
    readonly request_start_ns: number;
    readonly request_end_ns: number;
  };
  readonly metrics: Readonly<Record<string, { readonly value: number; readonly unit: string }>>;
}

function numbersOf(path: string): Readonly<Record<string, number>> {
  return JSON.parse(sample(path).toString()) as Record<string, number>;
}

function at(record: Readonly<Record<string, number>>, name: string): number {
  const value = record[name];
  if (value === undefined) throw new Error(`no ${name}`);
  return value;
}

function valueOf(metrics: Request['metrics'], name: string): number {
  const metric = metrics[name];
  if (metric === undefined || !['ms', 'tokens'].includes(metric.unit)) throw new Error(`no ${name} in ms or tokens`);
  return metric.value;
}
