import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseVllm } from '../../../../src/adapters/vllm/parse.ts';
import { WorkloadFailure } from '../../../../src/evidence/failure.ts';
import { NAMES, everyThreshold } from './every-threshold.ts';
import { evaluateAll } from '../../../../src/verdicts/evaluate.ts';
import { changed, fixture, noSamples, sample } from '../shared/results/files.ts';
import { runWith } from '../shared/program-probe.ts';
import { runOf, samplesOf } from '../../verdicts/tables.ts';

const BENCH = 'attachments/vllm-bench.json';
const RUN = {
  params: { concurrency: 2, isl: 10, osl: 3, max_model_length: 9216, tensor_parallelism: 8 },
  knobs: { attention: 'triton' },
  bindings: { server: ['n0', 'n1'] },
};
const CLIENT = 'logs/client.n0.log';
const detailed = fixture('vllm-detailed.json');

/** Three requests of three tokens each, all of which succeeded. */
const GOOD = changed('vllm-detailed.json', {
  num_prompts: 3,
  completed: 3,
  failed: 0,
  errors: ['', '', ''],
  input_lens: [10, 10, 10],
  output_lens: [3, 3, 3],
  total_output_tokens: 9,
  ttfts: [0.05, 0.1, 0.15],
  start_times: [7, 7.25, 8],
  itls: [
    [0.01, 0.03],
    [0.02, 0.04],
    [0.03, 0.05],
  ],
});

const metricsOf = (tokens: number, answered: number, failed: number): string =>
  [
    `vllm:generation_tokens_total{engine="0",model_name="m"} ${tokens}.0`,
    `vllm:generation_tokens_created{engine="0",model_name="m"} ${1.7e9 + tokens}`,
    `vllm:generation_tokens_total{engine="1",model_name="m"} ${tokens}.0`,
    `vllm:request_success_total{engine="0",finished_reason="length",model_name="m"} ${answered}.0`,
    `vllm:request_success_total{engine="0",finished_reason="abort",model_name="m"} 1000.0`,
    `vllm:time_to_first_token_seconds_sum{engine="0",model_name="m"} ${answered * 0.25}`,
    `vllm:time_to_first_token_seconds_count{engine="0",model_name="m"} ${answered}.0`,
    `http_requests_total{handler="/v1/completions",method="POST",status="5xx"} ${failed}.0`,
    `http_requests_total{handler="/health",method="GET",status="5xx"} ${failed * 7}.0`,
  ].join('\n');

const METRICS = {
  'attachments/metrics.before.n0.txt': metricsOf(100, 4, 0),
  'attachments/metrics.after.n0.txt': metricsOf(109, 8, 2),
};

describe('what a load left', () => {
  it('is read without the moment of its end, where that was cut off', async () => {
    const files = { [BENCH]: GOOD, [CLIENT]: 'x\n', 'attachments/load-end.json': '{"ended_at_ms": 18' };
    const { context, samples } = runWith(files, RUN);
    const { startedAtMs } = await parseVllm(context);
    expect([startedAtMs, samples.length]).toEqual([null, 3]);
  });

  it('becomes rows of the server, on our clock', async () => {
    const files = {
      [BENCH]: detailed,
      [CLIENT]: 'x\n',
      'attachments/load-end.json': '{"ended_at_ms": 1800000002000}\n',
    };
    const { context, samples } = runWith(files, RUN);
    const { startedAtMs, durationMs } = await parseVllm(context);
    expect([startedAtMs, durationMs]).toEqual([1_800_000_000_000, 2000]);
    expect(samples.map(({ role, host, tsMs, ok }) => [role, host, tsMs - 1_800_000_000_000, ok])).toEqual([
      ['server', 'n0', 0, true],
      ['server', 'n0', 250, true],
      ['server', 'n0', 500, false],
      ['server', 'n0', 1000, true],
    ]);
    expect(samples[2]).toMatchObject({ error: 'HTTP 500: out of memory', ttftMs: null, e2elMs: null });
  });

  it('is compared with what the server counted: by growth, engines together, without times of creation', async () => {
    const { context } = runWith({ [BENCH]: GOOD, [CLIENT]: 'x\n', ...METRICS }, RUN);
    const { scalars } = await parseVllm(context);
    expect(scalars).toMatchObject({
      server_output_tokens: 2 * 9,
      client_output_tokens: 9,
      server_requests_answered: 4,
      http_5xx: 2,
      server_ttft_mean_ms: 250,
      server_tpot_mean_ms: null,
      server_preemptions: null,
    });
  });

  it('has no opinion of a server that published nothing, before or after', async () => {
    const { 'attachments/metrics.after.n0.txt': _after, ...before } = METRICS;
    for (const metrics of [{}, before]) {
      const { scalars } = await parseVllm(runWith({ [BENCH]: GOOD, [CLIENT]: 'x\n', ...metrics }, RUN).context);
      expect(scalars).toMatchObject({ server_output_tokens: null, server_ttft_mean_ms: null, http_5xx: null });
    }
  });

  it.each<{ before: string; log: string; bench?: Buffer; tokens: number | null }>([
    { before: 'nothing', log: 'Skipping endpoint ready check.\n', tokens: 9 },
    {
      before: 'warm-ups, each as the first request',
      log: 'Warming up with 2 requests...\nWarmup run completed.\n',
      tokens: 9 + 2 * 3,
    },
    { before: 'a test run', log: 'Initial test run completed. Starting main benchmark run...\n', tokens: 9 + 3 },
    { before: 'nothing, and some failed with nobody knows how many', log: 'x\n', bench: detailed, tokens: null },
  ])('counts the tokens of all requests: before them $before', async ({ log, bench = GOOD, tokens }) => {
    const { scalars } = await parseVllm(runWith({ [BENCH]: bench, [CLIENT]: log }, RUN).context);
    expect(scalars['client_output_tokens']).toBe(tokens);
  });

  it('cannot count warm-ups whose length nobody kept', async () => {
    const run = { ...RUN, params: { ...RUN.params, ignore_eos: false } };
    const { scalars } = await parseVllm(
      runWith({ [BENCH]: GOOD, [CLIENT]: 'Warming up with 2 requests...\n' }, run).context,
    );
    expect(scalars['client_output_tokens']).toBeNull();
  });

  it('keeps its summary where it has no requests', async () => {
    const { context, samples } = runWith({ [BENCH]: fixture('vllm-summary.json'), [CLIENT]: 'x\n' }, RUN);
    const { scalars } = await parseVllm(context);
    expect([samples, scalars['completed'], scalars['ttft_p99_ms']]).toEqual([[], 8, 30]);
  });

  it('says what is in force, by the logs of all nodes and what a server said in an earlier run', async () => {
    const line = 'INFO 07-09 10:09:57 [rocm.py:904] Using TRITON_ATTN backend out of potential backends: [].';
    const engine = 'Initializing a V1 LLM engine (v0.24.0) with config: x, max_seq_len=9216, tensor_parallel_size=8, y';
    const files = { [BENCH]: GOOD, [CLIENT]: 'x\n' };
    const here = runWith({ ...files, 'logs/server.n0.log': `${engine}\n`, 'logs/server.n1.log': `${line}\n` }, RUN);
    const kept = runWith({ ...files, 'attachments/server-startup.n0.log': `${engine}\n${line}\n` }, RUN);
    const [first, again] = [await parseVllm(here.context), await parseVllm(kept.context)];
    expect(first.applied).toEqual({
      attention: { asked: 'triton', applied: 'triton' },
      tensor_parallelism: { asked: 8, applied: 8 },
      pipeline_parallelism: { asked: 1, applied: null },
      data_parallelism: { asked: 1, applied: null },
      max_model_length: { asked: 9216, applied: 9216 },
    });
    expect(first.frameworkVersions).toEqual({ vllm: '0.24.0' });
    expect(again).toEqual(first);
  });

  it.each<[string, Record<string, string>, RegExp]>([
    ['missing', {}, /vllm-bench\.json is missing/],
    ['empty', { [BENCH]: '' }, /vllm-bench\.json is empty \(0 bytes\)/],
    ['cut short', { [BENCH]: GOOD.slice(0, 100) }, /vllm-bench\.json:1:101 is cut short.* \(100 bytes\)/],
    ['a page of a proxy', { [BENCH]: '<html>no</html>' }, /vllm-bench\.json:1:1 begins with no JSON/],
    ['of two loads', { [BENCH]: `[${GOOD},${GOOD}]` }, /holds 2 loads - a cell is one load/],
  ])('is a parse_failure where it is %s', async (_name, files, message) => {
    const { context, samples } = runWith({ ...files, [CLIENT]: 'x\n' }, RUN);
    const failure = await parseVllm(context).catch((thrown: unknown) => thrown);
    if (!(failure instanceof WorkloadFailure)) throw failure;
    expect(failure.category).toBe('parse_failure');
    expect(failure.message).toMatch(message);
    expect(samples).toEqual([]);
  });

  it('never has a request that the file does not hold, however it is damaged', async () => {
    const whole = GOOD;
    const damage = fc.record({
      from: fc.nat(whole.length),
      length: fc.nat(40),
      by: fc.oneof(fc.string(), fc.constant('')),
    });
    await fc.assert(
      fc.asyncProperty(damage, async ({ from, length, by }) => {
        const text = whole.slice(0, from) + by + whole.slice(from + length);
        const { context, samples } = runWith({ [BENCH]: text, [CLIENT]: 'x\n' }, RUN);
        const failure = await parseVllm(context).then(
          () => null,
          (thrown: unknown) => thrown,
        );
        if (failure !== null) expect(failure).toBeInstanceOf(WorkloadFailure);
        const { ttfts = [] } = failure === null ? (JSON.parse(text) as { ttfts?: unknown[] }) : {};
        expect(samples.length).toBeLessThanOrEqual(ttfts.length);
        for (const { ttftMs } of samples) if (ttftMs !== null) expect(ttfts).toContain(ttftMs / 1000);
      }),
      { numRuns: 60 },
    );
  });
});

const FAILED = [
  ['our own', () => fixture('vllm-all-failed.json')],
  ...(noSamples === null
    ? [['the published one', () => sample('vllm/er0080_bench_serve_all_requests_failed_v0.25.1.json')] as const]
    : []),
] as const;

describe('a load of which every request failed', () => {
  it.each(FAILED)('passes no threshold of any kind: %s', async (_name, bytes) => {
    const { context, samples } = runWith({ [BENCH]: bytes(), [CLIENT]: 'x\n' }, RUN);
    const { scalars, durationMs } = await parseVllm(context);
    expect(samples).toEqual([]);
    for (const columns of [null, samplesOf([{ ok: false }])]) {
      const tables = runOf({ samples: columns, scalars, measuredDurationMs: durationMs });
      const verdicts = evaluateAll(everyThreshold, tables);
      expect(verdicts.map(({ passed }, index) => `${NAMES[index]} ${passed}`)).toEqual(
        NAMES.map((kind) => `${kind} false`),
      );
    }
  });
});
