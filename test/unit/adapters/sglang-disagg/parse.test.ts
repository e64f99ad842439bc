import { basename } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseSglang } from '../../../../src/adapters/sglang-disagg/parse.ts';
import { fixture, noSamples, sample } from '../shared/results/files.ts';
import { runWith } from '../shared/program-probe.ts';

const BENCH = 'attachments/sglang-bench.jsonl';
const PARAMS = { concurrency: 8, isl: 16, osl: 4, num_prompts: 3, num_warmups: 1, tensor_parallelism: 8 };
const RUN = {
  params: PARAMS,
  knobs: { attention: 'aiter', quant: 'bf16' },
  bindings: { prefill: ['n1'], decode: ['n2'], router: ['n1'] },
};

const RESULT = {
  tag: null as string | null,
  backend: 'sglang',
  dataset_name: 'random',
  request_rate: 4,
  max_concurrency: 8,
  duration: 2,
  completed: 2,
  output_throughput: 4,
  input_lens: [16, 16, 16],
  output_lens: [4, 0, 4],
  ttfts: [0.05, 0, 0.1],
  itls: [[0.01, 0.01, 0.04], [], [0.02, 0.02, 0.02]],
  errors: ['', 'Internal Server Error', ''],
};

const lineOf = (fields: object = {}): string => `${JSON.stringify({ ...RESULT, ...fields })}\n`;

const stats = (side: string, room: number, rest: string): string =>
  `[2026-01-01 01:00:0${room} TP0] Req Time Stats(rid=${side}${room}, bootstrap_room=${room}, input len=16, output len=4, type=${side}): ${rest}`;
const prefillOf = (room: number): string =>
  stats(
    'prefill',
    room,
    `bootstrap_duration=1.00ms, alloc_wait_duration=0.00ms, queue_duration=0.00ms, forward_duration=90.00ms, entry_time=176722560${room}.000, transfer_speed=1.00 GB/s, transfer_total=${room * 10.24}.00 MB, #retries=0`.replace(
      /(\d\.\d+)\.00 MB/,
      '$1 MB',
    ),
  );
const decodeOf = (room: number): string =>
  stats(
    'decode',
    room,
    `bootstrap_duration=1.00ms, alloc_wait_duration=0.00ms, transfer_duration=90.00ms, queue_duration=0.00ms, forward_duration=5.00ms, entry_time=176722560${room}.000`,
  );

const ARGS =
  "server_args=ServerArgs(quantization=None, tp_size=8, attention_backend='aiter', disaggregation_transfer_backend='mooncake', z=1)";
const LOGS = {
  'logs/prefill.n1.log': `${[ARGS, prefillOf(1), prefillOf(2), prefillOf(3)].join('\n')}\n`,
  'logs/decode.n2.log': `${[ARGS, decodeOf(3), decodeOf(2), decodeOf(1)].join('\n')}\n`,
  'logs/router.n1.log': '2026-01-01 01:00:00 ERROR sglang_router_rs::core::worker: src/core/worker.rs:1: no\n',
};

const parseFiles = async (files: Record<string, string | Buffer>, run: object = RUN) => {
  const { context, samples, points } = runWith(files, run);
  return { result: await parseSglang(context), samples, points };
};

describe('what a run left', () => {
  it('becomes one row a request as the client saw it, and no others', async () => {
    const { samples, result } = await parseFiles({
      [BENCH]: lineOf(),
      ...LOGS,
      'attachments/load-end.json': '{"ended_at_ms": 1800000002000}\n',
    });
    expect(
      samples.map(({ role, host, tsMs, ok, ttftMs, outputTokens }) => [role, host, tsMs, ok, ttftMs, outputTokens]),
    ).toEqual([
      ['router', 'n1', 1_800_000_000_000, true, 50, 4],
      ['router', 'n1', 1_800_000_000_000, false, null, null],
      ['router', 'n1', 1_800_000_000_000, true, 100, 4],
    ]);
    expect(samples[0]?.tpotMs).toBeCloseTo((10 + 10 + 40) / 3, 9);
    expect(result.scalars).toMatchObject({ requests: 3, completed: 2, failed: 1, http_5xx: 1, router_errors: 1 });
    expect([result.startedAtMs, result.durationMs]).toEqual([1_800_000_000_000, 2000]);
  });

  it('has its handoffs, without that of the warm-up, in the order that decode began with them', async () => {
    const { points, result } = await parseFiles({ [BENCH]: lineOf(), ...LOGS });
    const transfers = points.filter(({ metric }) => metric === 'kv_transfer_ms');
    // MB / 1024 / (1 GB/s): 20 and 30 ms; the first of three was the warm-up's, 10 ms.
    expect(transfers.map(({ step, value, role, host }) => [step, Math.round(value * 1000) / 1000, role, host])).toEqual(
      [
        [0, 20, 'decode', 'n2'],
        [1, 30, 'decode', 'n2'],
      ],
    );
    expect(points.find(({ metric }) => metric === 'decode_start_ns')?.value).toBe((1767225602000 + 91) * 1e6);
    expect(points.find(({ metric }) => metric === 'prefill_done_ns')?.value).toBeCloseTo(
      (1767225602000 + 91 - 20) * 1e6,
      -4,
    );
    expect(result.scalars).toMatchObject({
      handoffs: 2,
      handoffs_unmatched: 0,
      kv_transfer_mean_ms: expect.closeTo(25, 9),
    });
    expect(result.scalars['kv_transfer_p99_ms']).toBeCloseTo(20 + 0.99 * 10, 9);
  });

  it('has no handoff figures where one of them is not known', async () => {
    const decode = { ...LOGS, 'logs/prefill.n1.log': LOGS['logs/prefill.n1.log'].replace('30.72 MB', '0.00 MB') };
    const { result } = await parseFiles({ [BENCH]: lineOf(), ...decode });
    expect(result.scalars).toMatchObject({ handoffs: 2, kv_transfer_p99_ms: null, kv_wait_p99_ms: 90 });
  });

  it('says what is in force', async () => {
    const registered =
      '{"schema_version":"1","expected":{"prefill":1,"decode":1},"registered":{"prefill":1,"decode":0}}';
    const { result } = await parseFiles({ [BENCH]: lineOf(), ...LOGS, 'attachments/sglang-router.json': registered });
    expect(result.applied).toEqual({
      attention: { asked: 'aiter', applied: 'aiter' },
      aiter: { asked: true, applied: true },
      quant: { asked: 'bf16', applied: null },
      disaggregation_transfer_backend: { asked: 'mooncake', applied: 'mooncake' },
      prefill_tensor_parallelism: { asked: 8, applied: 8 },
      decode_tensor_parallelism: { asked: 8, applied: 8 },
      prefill_servers: { asked: 1, applied: 1 },
      decode_servers: { asked: 1, applied: 0 },
    });
  });

  it('has what was seen of the servers meanwhile, but for a line that is cut short', async () => {
    const point = { step: 3, tsMs: 5, metric: 'router_queue', value: 2, role: 'router', host: 'n1', rank: null };
    const kept = `${JSON.stringify(point)}\n${JSON.stringify(point).slice(0, 40)}`;
    const { points } = await parseFiles({ [BENCH]: lineOf(), 'attachments/sglang-observed.jsonl': kept });
    expect(points).toEqual([point]);
  });

  it('says what a server said in the run that started it', async () => {
    const kept = {
      'attachments/server-startup.decode.n2.log': `${ARGS}\n`,
      'attachments/server-startup.router.n1.log':
        '2026-01-01 00:00:00  INFO sglang_router_rs::server: src/server.rs:1: 🚧 Policy: RoundRobin\n',
    };
    const params = { ...PARAMS, prefill_policy: 'round_robin' };
    const logs = { ...LOGS, 'logs/decode.n2.log': '', 'logs/router.n1.log': '' };
    const { result } = await parseFiles({ [BENCH]: lineOf(), ...logs, ...kept }, { ...RUN, params });
    expect(result.applied).toMatchObject({
      attention: { applied: 'aiter' },
      prefill_policy: { asked: 'round_robin', applied: 'round_robin' },
    });
  });

  it('says so where two servers differ, or one does not say', async () => {
    const other = { ...LOGS, 'logs/decode.n2.log': LOGS['logs/decode.n2.log'].replace("'aiter'", "'triton'") };
    const { result } = await parseFiles({ [BENCH]: lineOf(), ...other });
    expect(result.applied).toMatchObject({ attention: { applied: 'aiter+triton' }, aiter: { applied: false } });
    const silent = await parseFiles({ [BENCH]: lineOf(), ...LOGS, 'logs/decode.n2.log': 'x\n' });
    expect(silent.result.applied).toMatchObject({ attention: { applied: null }, aiter: { applied: null } });
  });

  it('has the startup times of what this run started', async () => {
    const ready = (role: string, host: string, seconds: number): string =>
      JSON.stringify({ ts: '2026-01-01T00:00:09.000Z', event: 'launch.role_ready', role, host, after_s: seconds });
    const events = [
      ready('prefill', 'n1', 7),
      ready('decode', 'n2', 9),
      ready('decode', 'n3', 0.1),
      ready('router', 'n1', 1),
      ready('bench', 'n1', 0),
    ];
    const launches = [
      { role: 'prefill', host: 'n1', argv: [], reused_from: 'earlier' },
      { role: 'decode', host: 'n3', argv: ['--node-rank', '1'], reused_from: null },
    ];
    const { points, result } = await parseFiles(
      { [BENCH]: lineOf(), ...LOGS, 'events.jsonl': `${events.join('\n')}\n{"ts"` },
      { ...RUN, launches },
    );
    expect(
      points
        .filter(({ metric }) => metric === 'per_role_startup_ms')
        .map(({ role, host, value }) => [role, host, value]),
    ).toEqual([
      ['decode', 'n2', 9000],
      ['router', 'n1', 1000],
    ]);
    expect(result.scalars).toMatchObject({
      prefill_startup_ms: null,
      decode_startup_ms: 9000,
      router_startup_ms: 1000,
    });
  });
});

describe('the result of the load client', () => {
  it('is found by its tag in a file that others appended to', async () => {
    const { context, samples } = runWith({}, RUN);
    const { writeFileSync, mkdirSync } = await import('node:fs');
    mkdirSync(`${context.folder}/attachments`);
    const own = lineOf({ tag: basename(context.folder), output_throughput: 7 });
    writeFileSync(`${context.folder}/${BENCH}`, [lineOf({ tag: 'before' }), own, lineOf({ tag: 'after' })].join(''));
    expect((await parseSglang(context)).scalars['throughput_tps']).toBe(7);
    expect(samples).toHaveLength(3);
  });

  it('is the last one where none has the tag', async () => {
    const { result } = await parseFiles({
      [BENCH]: lineOf({ output_throughput: 1 }) + lineOf({ output_throughput: 2 }),
    });
    expect(result.scalars['throughput_tps']).toBe(2);
  });

  it('may name a rate without a limit', async () => {
    const { result } = await parseFiles({ [BENCH]: lineOf({ request_rate: 9e99 }).replace('9e+99', 'Infinity') });
    expect(result.scalars['completed']).toBe(2);
  });

  it('without details counts what is missing as failed', async () => {
    const { ttfts: _ttfts, itls: _itls, errors: _errors, output_lens: _out, ...summary } = RESULT;
    const { result, samples } = await parseFiles({ [BENCH]: `${JSON.stringify(summary)}\n` });
    expect(samples).toEqual([]);
    expect(result.scalars).toMatchObject({ requests: 3, completed: 2, failed: 1, http_5xx: null });
  });

  it('does not call a request without a token a success', async () => {
    const { result, samples } = await parseFiles({ [BENCH]: lineOf({ errors: ['', '', ''] }) });
    expect(samples.map(({ ok, error }) => [ok, error])).toEqual([
      [true, null],
      [false, 'no token came'],
      [true, null],
    ]);
    expect(result.scalars).toMatchObject({ completed: 2, failed: 1 });
  });

  it('of another server keeps the version that it names', async () => {
    const { result } = await parseFiles({ [BENCH]: fixture('sglang-runs.jsonl').toString().split('\n')[1] ?? '' });
    expect(result.frameworkVersions).toEqual({ sglang: '0.5.5' });
  });

  it.each([
    ['missing', {}],
    ['empty', { [BENCH]: '' }],
    ['no result', { [BENCH]: 'Traceback (most recent call last):\n' }],
    ['cut short', { [BENCH]: lineOf().slice(0, 120) }],
  ])('%s: the run cannot be parsed', async (_name, files) => {
    await expect(parseFiles(files)).rejects.toMatchObject({
      category: 'parse_failure',
      message: expect.stringContaining('sglang-bench.jsonl'),
    });
  });

  it('cut short anywhere, gives no row that is not in the whole', async () => {
    const text = lineOf();
    const whole = await parseFiles({ [BENCH]: text });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: text.length }), async (length) => {
        const part = await parseFiles({ [BENCH]: text.slice(0, length) }).catch(() => null);
        if (part !== null) expect(part.samples).toEqual(whole.samples);
      }),
      { numRuns: 60 },
    );
  });
});

const PUBLISHED = [
  'datacrunch_deepseek_dp_mla_output',
  'datacrunch_llama_3_3_70b_online_output',
  'tonyli_agg_n100_in512_out128_c32',
  'tonyli_pd_1p1d_n100_in2048_out512_c128',
  'tonyli_pd_1p2d_n100_in512_out128_c64',
];

describe.skipIf(noSamples !== null)(`published results (${noSamples ?? 'they are here'})`, () => {
  it.each(PUBLISHED)('%s: every run in it has the figures of its line', async (name) => {
    const lines = sample(`sglang/${name}.jsonl`)
      .toString()
      .split('\n')
      .filter((line) => line.trim() !== '');
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) {
      const { result, samples } = await parseFiles(
        { [BENCH]: `${line}\n` },
        { ...RUN, params: { ...PARAMS, num_prompts: 20_000 } },
      );
      // Numbers by their names alone: `"completed": 100`; no other reader is in between.
      const number = (field: string): number | null => {
        const [, digits] = new RegExp(`"${field}": ([\\d.e+-]+)`).exec(line) ?? [];
        return digits === undefined ? null : Number(digits);
      };
      const completed = number('completed') ?? NaN;
      expect(samples).toEqual([]);
      expect(result.durationMs).toBe((number('duration') ?? NaN) * 1000);
      expect(result.scalars).toMatchObject({
        requests: 20_000,
        completed,
        failed: 20_000 - completed,
        throughput_tps: number('output_throughput'),
        total_input_tokens: number('total_input_tokens'),
        total_output_tokens: number('total_output_tokens'),
        e2el_mean_ms: number('mean_e2e_latency_ms'),
        ttft_p50_ms: number('median_ttft_ms'),
      });
      expect(result.scalars['ttft_p99_ms'] ?? null).toBe(number('p99_ttft_ms'));
      expect(result.scalars['tpot_p99_ms'] ?? null).toBe(number('p99_tpot_ms'));
      expect(result.scalars['throughput_tps']).toBeCloseTo(
        (number('total_output_tokens') ?? NaN) / (number('duration') ?? NaN),
        6,
      );
    }
  });
});
