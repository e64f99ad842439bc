import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseInferencemax } from '../../../../src/adapters/inferencemax/parse.ts';
import { WorkloadFailure } from '../../../../src/evidence/failure.ts';
import { changed, fixture } from '../shared/results/files.ts';
import { runWith } from '../shared/program-probe.ts';

const PARAMS = { server_script: 'r.sh', concurrency: 4, isl: 1024, osl: 512, tensor_parallelism: 8 };
const RUN = { params: PARAMS, knobs: { attention: 'aiter' }, bindings: { server: ['n0'] } };
const RAW = 'attachments/inferencemax.json';

describe('the result of the load client', () => {
  it('gives a row a request, with the batch columns, and one batch', async () => {
    const { context, samples, points } = runWith({ [RAW]: fixture('vllm-detailed.json') }, RUN);
    const { scalars, durationMs } = await parseInferencemax(context);
    const raw = JSON.parse(fixture('vllm-detailed.json').toString()) as Raw;
    expect(samples.map(({ ok }) => ok)).toEqual(raw.errors.map((error) => error === ''));
    for (const [index, row] of samples.entries()) {
      if (!row.ok) {
        expect(row).toMatchObject({
          ttftMs: null,
          outputTokens: null,
          more: { latency_ms: null, tokens: null, throughput_tps: null },
        });
        continue;
      }
      const [ttft = NaN, gaps = [], input = NaN, output = NaN] = [
        raw.ttfts[index],
        raw.itls[index],
        raw.input_lens[index],
        raw.output_lens[index],
      ];
      const latencyMs = (ttft + gaps.reduce((sum, gap) => sum + gap, 0)) * 1000;
      expect(row.host).toBe('n0');
      expect(row.more?.['latency_ms']).toBeCloseTo(latencyMs, 6);
      expect(row.more?.['tokens']).toBe(input + output);
      expect(row.more?.['throughput_tps']).toBeCloseTo(output / (latencyMs / 1000), 6);
    }
    expect(durationMs).toBe(raw.duration * 1000);
    expect(scalars).toMatchObject({ completed: raw.completed, throughput_tps: raw.output_throughput });
    expect(scalars['mean_output_tokens']).toBe(raw.total_output_tokens / raw.completed);
    expect(Object.fromEntries(points.map(({ metric, value }) => [metric, value]))).toMatchObject({
      tokens: raw.total_input_tokens + raw.total_output_tokens,
      throughput_tps: raw.output_throughput,
    });
  });

  it('has no figure when nothing completed', async () => {
    const { context, points } = runWith({ [RAW]: fixture('vllm-all-failed.json') }, RUN);
    const { scalars } = await parseInferencemax(context);
    expect(scalars).toMatchObject({ completed: 0, throughput_tps: null, ttft_p99_ms: null, mean_output_tokens: null });
    expect(points).toEqual([]);
  });

  it('reads the same again, and reads no server log as no log', async () => {
    const run = { ...RUN, params: { ...PARAMS, max_model_length: 2048 } };
    const files = { [RAW]: fixture('vllm-detailed.json') };
    const first = await parseInferencemax(runWith(files, run).context);
    expect(await parseInferencemax(runWith(files, run).context)).toEqual(first);
    expect(first.applied).toMatchObject({
      attention: { asked: 'aiter', applied: null },
      max_model_length: { asked: 2048, applied: null },
    });
  });
});

describe('what is in force', () => {
  const ENGINE =
    'INFO [core.py:1] Initializing a V1 LLM engine (v0.24.0) with config: x, dtype=torch.bfloat16, quantization=mxfp4, y';
  const inForce = async (files: object, quant: string) => {
    const run = { ...RUN, knobs: { quant } };
    return (await parseInferencemax(runWith({ [RAW]: fixture('vllm-detailed.json'), ...files }, run).context)).applied[
      'quant'
    ];
  };

  it.each([
    ['mxfp4', 'mxfp4'],
    ['fp4', 'fp4'],
    ['fp8', 'fp4'],
  ])('is the format of the server beside a quant of %s', async (asked, applied) => {
    expect(await inForce({ 'logs/server.n0.log': `${ENGINE}\n` }, asked)).toEqual({ asked, applied });
  });

  it('is known of a server that an earlier run started, and not by what a workflow was told', async () => {
    const silent = { 'logs/server.n0.log': '', 'attachments/server-startup.n0.log': `${ENGINE}\n` };
    expect(await inForce(silent, 'fp4')).toEqual({ asked: 'fp4', applied: 'fp4' });
    const told = { 'attachments/aggregates/agg_a.json': changed('inferencex-agg.json', { precision: 'fp4' }) };
    expect(await inForce(told, 'fp4')).toEqual({ asked: 'fp4', applied: null });
  });
});

describe('an aggregate of InferenceX', () => {
  const files = {
    'attachments/aggregates/agg_a.json': fixture('inferencex-agg.json'),
    'logs/server.n0.log': "(APIServer pid=1) INFO vLLM API server version 0.10.1\n{'tensor_parallel_size': 4}\n",
  };

  it('is read in seconds, and says what the recipe applied', async () => {
    const { scalars, applied, frameworkVersions } = await parseInferencemax(runWith(files, RUN).context);
    expect(scalars).toMatchObject({ ttft_mean_ms: 250, ttft_p99_ms: 500, tpot_p99_ms: 31.25, throughput_tps: 100 });
    expect(applied).toMatchObject({
      concurrency: { asked: 4, applied: 4 },
      isl: { asked: 1024, applied: 1024 },
      osl: { asked: 512, applied: 512 },
      // The result is asked before the log.
      tensor_parallelism: { asked: 8, applied: 8 },
      expert_parallelism: { asked: 1, applied: 1 },
      dp_attention: { asked: false, applied: false },
    });
    expect(frameworkVersions).toEqual({ vllm: '0.10.1' });
  });

  it('fills in what the client does not say, and contradicts it in nothing', async () => {
    const both = { ...files, [RAW]: fixture('vllm-detailed.json') };
    const [alone, together] = await Promise.all([
      parseInferencemax(runWith({ [RAW]: fixture('vllm-detailed.json') }, RUN).context),
      parseInferencemax(runWith(both, RUN).context),
    ]);
    for (const [name, value] of Object.entries(alone.scalars)) {
      if (value !== null) expect([name, together.scalars[name]]).toEqual([name, value]);
    }
    expect(together.scalars).toMatchObject({ throughput_per_gpu_tps: 12.5 });
  });

  it('of another concurrency is none of this cell, and two of this one are one too many', async () => {
    const other = { 'attachments/aggregates/agg_b.json': changed('inferencex-agg.json', { conc: 8 }) };
    const found = await parseInferencemax(runWith({ ...files, ...other }, RUN).context);
    expect(found.applied).toMatchObject({ concurrency: { applied: 4 } });
    const twice = { ...files, 'attachments/aggregates/agg_b.json': fixture('inferencex-agg.json') };
    await expect(parseInferencemax(runWith(twice, RUN).context)).rejects.toThrow('2 aggregates of concurrency 4');
  });
});

describe('the requests of an agentic load', () => {
  it('are rows without the warm-ups, which are counted', async () => {
    const files = { 'attachments/profile_export.jsonl': fixture('aiperf-profile.jsonl') };
    const { context, samples } = runWith(files, RUN);
    const { scalars, startedAtMs } = await parseInferencemax(context);
    expect(samples.map(({ requestId }) => requestId)).toEqual(['first', 'broken', 'second', 'cut']);
    expect(scalars).toMatchObject({ warmup_requests: 1, requests: 4, completed: 2, failed: 2 });
    expect(samples[0]?.tsMs).toBe(startedAtMs);
  });
});

describe('what is no result', () => {
  it('is a parse failure that says what is there', async () => {
    const none = runWith({ 'attachments/aggregates/notes.txt': 'x' }, RUN).context;
    await expect(parseInferencemax(none)).rejects.toMatchObject({
      category: 'parse_failure',
      message: expect.stringContaining('inferencemax.json is missing') as unknown,
      evidence: [expect.stringContaining('holds aggregates') as unknown],
    });
    const cut = runWith({ [RAW]: fixture('vllm-detailed.json').subarray(0, 300) }, RUN).context;
    await expect(parseInferencemax(cut)).rejects.toThrow(/cut short.*300 bytes/);
    const empty = runWith({ [RAW]: '' }, RUN).context;
    await expect(parseInferencemax(empty)).rejects.toThrow('is empty');
  });

  it('never crashes parse, nor makes a row, wherever it is cut and whatever it holds', async () => {
    const whole = fixture('vllm-detailed.json');
    const bytes = fc.oneof(
      fc.nat(whole.lastIndexOf('}')).map((length) => whole.subarray(0, length)),
      fc.uint8Array({ maxLength: 300 }),
      fc.json().map((text) => Buffer.from(text)),
    );
    await fc.assert(
      fc.asyncProperty(bytes, async (content) => {
        const { context, samples } = runWith({ [RAW]: content }, RUN);
        const thrown: unknown = await parseInferencemax(context).then(
          () => null,
          (reason: unknown) => reason,
        );
        expect(thrown).toBeInstanceOf(WorkloadFailure);
        expect((thrown as WorkloadFailure).category).toBe('parse_failure');
        expect(samples).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });
});

interface Raw {
  readonly duration: number;
  readonly completed: number;
  readonly total_input_tokens: number;
  readonly total_output_tokens: number;
  readonly output_throughput: number;
  readonly input_lens: readonly number[];
  readonly output_lens: readonly number[];
  readonly ttfts: readonly number[];
  readonly itls: readonly (readonly number[])[];
  readonly errors: readonly string[];
}
