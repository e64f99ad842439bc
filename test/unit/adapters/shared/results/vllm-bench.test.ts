import { describe, expect, it } from 'vitest';
import { changed, fixture, read, readOne } from './files.ts';

const detailed = fixture('vllm-detailed.json');

describe('vLLM bench serve', () => {
  it('gives rows in milliseconds that bear out the summary, with failed requests in their places', () => {
    const { rows, scalars, durationMs, dropped } = readOne(detailed);
    const times = rows.map(({ ttftMs, tpotMs, itlMs, e2elMs, ok }) => ({ ttftMs, tpotMs, itlMs, e2elMs, ok }));
    expect(times).toEqual([
      { ttftMs: 50, tpotMs: 20, itlMs: 20, e2elMs: 90, ok: true },
      // Five tokens in three chunks: the time per token is not the gap between chunks.
      { ttftMs: 100, tpotMs: 15, itlMs: 30, e2elMs: 160, ok: true },
      { ttftMs: null, tpotMs: null, itlMs: null, e2elMs: null, ok: false },
      { ttftMs: 150, tpotMs: null, itlMs: null, e2elMs: 150, ok: true },
    ]);
    expect(rows.map(({ tsMs }) => tsMs)).toEqual([0, 250, 500, 1000]);
    expect(rows.map(({ inputTokens, outputTokens }) => [inputTokens, outputTokens])).toEqual([
      [10, 3],
      [20, 5],
      [30, null],
      [30, 1],
    ]);
    expect(rows.map(({ error }) => error)).toEqual([null, null, 'HTTP 500: out of memory', null]);
    expect(rows[1]?.itlsMs).toEqual([20, 40]);
    expect(scalars).toMatchObject({ requests: 4, completed: 3, failed: 1, throughput_tps: 4.5, ttft_p99_ms: 149 });
    expect(durationMs).toBe(2000);
    expect(dropped).toEqual([]);
  });

  it('reads forks: the goodput with a colon, p50 beside the median, fractions of percentiles', () => {
    const { scalars, origin, rows } = readOne(fixture('vllm-summary.json'));
    expect(scalars).toMatchObject({
      requests: 10,
      completed: 8,
      failed: 2,
      request_goodput_rps: 1.25,
      ttft_mean_ms: 20,
      ttft_p50_ms: 19,
      ttft_p99_ms: 30,
      ttft_p99_9_ms: 31.5,
      total_token_throughput_tps: 300,
    });
    expect(origin.model).toBe('acme/large-70b');
    expect(origin.axes).toEqual({ request_rate: 4 });
    expect(rows).toEqual([]);
  });

  it('takes 0 for not measured where it cannot be a measurement', () => {
    const { scalars } = readOne(fixture('vllm-summary.json'));
    expect(scalars).toMatchObject({ tpot_mean_ms: null, tpot_std_ms: null, tpot_p99_ms: null, ttft_std_ms: 0 });
  });

  it('measures nothing where nothing completed', () => {
    const { completed, requests, failed, ...figures } = readOne(fixture('vllm-all-failed.json')).scalars;
    expect({ completed, requests, failed }).toEqual({ completed: 0, requests: 5, failed: 5 });
    expect(new Set(Object.values(figures))).toEqual(new Set([null]));
  });

  it('reads the list that a sweep leaves, each entry with its place', () => {
    const { runs, format } = read(fixture('vllm-sweep.json'), 'summary.json');
    expect(format).toBe('vllm-bench');
    expect(runs.map(({ where, entry, scalars }) => [where, entry, scalars['throughput_tps']])).toEqual([
      ['summary.json[0]', 0, 10],
      ['summary.json[1]', 1, 18],
    ]);
  });

  it('takes the date for the end of the run, in the time zone of this machine', () => {
    const { endedAtMs, startedAtMs } = readOne(detailed);
    expect(endedAtMs).toBe(new Date(2026, 2, 14, 9, 26, 53).getTime());
    expect(startedAtMs).toBeNull();
    const unix = readOne(changed('vllm-summary.json', { benchmark_start_time_unix: 1_780_000_000.5, date: 'today' }));
    expect(unix).toMatchObject({
      startedAtMs: 1_780_000_000_500,
      endedAtMs: null,
      dropped: ['r.json: date is "today", not YYYYMMDD-HHMMSS'],
    });
  });

  it('keeps the summary alone where nobody can tell which values belong together', () => {
    const { rows, scalars, dropped } = readOne(changed('vllm-detailed.json', { errors: ['', ''] }));
    expect(rows).toEqual([]);
    expect(scalars).toMatchObject({ ttft_p99_ms: 149, completed: 3 });
    expect(dropped).toEqual([
      'r.json has 4 ttfts, 4 itls, 2 errors, 4 input_lens, 4 output_lens, 4 start_times: nobody can tell which belong together; its requests are left out, the summary is kept',
    ]);
    expect(readOne(changed('vllm-detailed.json', { itls: null }))).toMatchObject({
      rows: [],
      dropped: ['r.json has no itls: its requests are left out, the summary is kept'],
    });
  });

  it('leaves out single broken values, each with its place', () => {
    const broken = changed('vllm-detailed.json', {
      itls: [[0.01, 'fast'], [0.02, 0.04], [], []],
      ttfts: [0.05, -1, 0, 0.15],
      output_lens: [3, 5, 0, 1.5],
      p99_ttft_ms: 'high',
    });
    const { rows, scalars, dropped } = readOne(broken);
    expect(rows[0]).toMatchObject({ ok: true, ttftMs: 50, tpotMs: null, itlMs: null, e2elMs: null, itlsMs: [] });
    expect(rows[1]).toMatchObject({ ok: true, ttftMs: null, tpotMs: 15, e2elMs: null });
    expect(rows[3]).toMatchObject({ outputTokens: null });
    expect(scalars['ttft_p99_ms']).toBeNull();
    expect(dropped).toEqual([
      'r.json: itls[0] is no list of times: the request keeps only its time to first token',
      'r.json: ttfts[1] is -1, less than 0',
      'r.json: output_lens[3] is 1.5, no count',
      'r.json: p99_ttft_ms is "high", no number',
    ]);
  });

  it('says where the requests and the summary do not agree', () => {
    expect(readOne(changed('vllm-detailed.json', { completed: 4 })).dropped).toEqual([
      'r.json: completed is 4, but 3 of its 4 requests succeeded',
    ]);
  });

  it('counts a request without a token as failed where the file keeps no errors', () => {
    const { rows } = readOne(changed('vllm-detailed.json', { errors: undefined }));
    expect(rows.map(({ ok, error }) => [ok, error])).toEqual([
      [true, null],
      [true, null],
      [false, 'no token came'],
      [true, null],
    ]);
  });

  it('tells a file that is wrong all over by its first mistakes', () => {
    const itls = Array.from({ length: 50 }, () => 'none');
    const times = Array.from({ length: 50 }, () => 0.1);
    const { dropped } = readOne(
      changed('vllm-detailed.json', {
        itls,
        ttfts: times,
        output_lens: times.map(() => 2),
        completed: 50,
        errors: null,
        input_lens: null,
        start_times: null,
      }),
    );
    expect(dropped).toHaveLength(21);
    expect(dropped.at(-1)).toBe('and 30 more like these');
  });
});
