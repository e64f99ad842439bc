import { describe, expect, it } from 'vitest';
import { fixture, read, readOne } from './files.ts';

const text = fixture('sglang-runs.jsonl').toString();
const [closed = '', detailed = '', early = ''] = text.split('\n');

describe('SGLang bench_serving', () => {
  it('reads one run a line, each with its place', () => {
    const { runs, format } = read(text, 'out.jsonl');
    expect(format).toBe('sglang-bench');
    expect(runs.map(({ where, entry }) => [where, entry])).toEqual([
      ['out.jsonl:1', 0],
      ['out.jsonl:2', 1],
      ['out.jsonl:3', 2],
    ]);
  });

  it('reads an unlimited request rate, which is no JSON', () => {
    const { origin, scalars, durationMs } = readOne(closed);
    expect(origin).toMatchObject({
      framework: 'sglang',
      model: 'acme/tiny-7b',
      axes: { isl: 512, osl: 128, concurrency: 8 },
      params: { request_rate: 'inf', tensor_parallelism: 2 },
    });
    expect(scalars).toMatchObject({
      completed: 5,
      throughput_tps: 20,
      total_token_throughput_tps: 60,
      request_throughput_rps: 2,
      e2el_mean_ms: 400,
      e2el_p99_ms: 500,
      ttft_p50_ms: 39,
      itl_p95_ms: 12,
      concurrency_achieved: 7.5,
      accept_length: null,
    });
    // How many failed is not in the file.
    expect(scalars).not.toHaveProperty('failed');
    expect(durationMs).toBe(2500);
  });

  it('reads the requests of a run, and the model of a server in parts', () => {
    const { rows, origin, scalars, versions } = readOne(detailed);
    expect(rows.map(({ ttftMs, tpotMs, e2elMs }) => [ttftMs, tpotMs, e2elMs])).toEqual([
      [40, 10, 60],
      [80, 30, 110],
    ]);
    expect(scalars['ttft_mean_ms']).toBe(60);
    expect(origin.model).toBe('acme/large-70b');
    expect(versions).toEqual({ sglang: '0.5.5' });
    // The lengths are defaults of the client: they say nothing of this dataset.
    expect(origin.axes).toEqual({ request_rate: 4 });
    expect(origin.params).not.toHaveProperty('isl');
  });

  it('reads the format of early 2025', () => {
    const { scalars, origin } = readOne(early);
    expect(scalars).toMatchObject({
      completed: 3,
      ttft_p50_ms: 80,
      itl_p50_ms: 13,
      e2el_mean_ms: 300,
      e2el_p50_ms: 290,
    });
    expect(scalars['request_throughput_rps']).toBeNull();
    expect(Object.keys(scalars).filter((name) => name.startsWith('tpot'))).toEqual([]);
    expect(origin).toMatchObject({ model: null, axes: { isl: 64, osl: 32, request_rate: 1 } });
  });

  it('keeps the lines that are whole, and says which is not', () => {
    const { runs } = read(`${closed}\n${detailed.slice(0, 80)}\n${early}\n`, 'out.jsonl');
    expect(runs.map(({ where }) => where)).toEqual(['out.jsonl:1', 'out.jsonl:3']);
    const [sentence] = runs[0]?.dropped ?? [];
    expect(sentence).toMatch(/^out\.jsonl:2 is cut short \(.*\): left out$/);
    expect(runs[1]?.dropped).toEqual([sentence]);
  });

  it('keeps the words Infinity and NaN in texts, and takes NaN for not measured', () => {
    const odd = closed
      .replace('"closed"', '"NaN, \\"Infinity\\""')
      .replace('"mean_ttft_ms": 40.0', '"mean_ttft_ms": NaN');
    const { origin, scalars, dropped } = readOne(odd);
    expect(origin.params['tag']).toBe('NaN, "Infinity"');
    expect(scalars['ttft_mean_ms']).toBeNull();
    expect(dropped).toEqual([]);
  });

  it('measures nothing where nothing completed', () => {
    const failed = closed.replace('"completed": 5', '"completed": 0');
    const { completed, ...figures } = readOne(failed).scalars;
    expect(completed).toBe(0);
    expect(new Set(Object.values(figures))).toEqual(new Set([null]));
  });
});
