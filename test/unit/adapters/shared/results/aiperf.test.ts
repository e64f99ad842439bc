import { describe, expect, it } from 'vitest';
import { fixture, readOne } from './files.ts';

const text = fixture('aiperf-profile.jsonl').toString();
const lines = text.trimEnd().split('\n');

describe('AIPerf profile export', () => {
  it('gives a row for each measured request, whatever its units, and counts warm-ups', () => {
    const { rows, scalars, dropped } = readOne(text, 'p.jsonl');
    expect(rows.map(({ requestId, ok, error }) => [requestId, ok, error])).toEqual([
      ['first', true, null],
      ['broken', false, 'InvalidInferenceResultError: no content'],
      ['second', true, null],
      ['cut', false, 'cancelled'],
    ]);
    expect(rows.map(({ ttftMs, tpotMs, itlMs, e2elMs }) => [ttftMs, tpotMs, itlMs, e2elMs])).toEqual([
      [100, 200, 200, 500],
      [null, null, null, null],
      [1000, null, null, 1000],
      [null, null, null, null],
    ]);
    expect(rows.map(({ inputTokens, outputTokens }) => [inputTokens, outputTokens])).toEqual([
      [100, 3],
      [90, null],
      [50, 1],
      [null, null],
    ]);
    expect(rows[0]?.itlsMs).toEqual([150, 250]);
    expect(scalars).toEqual({ warmup_requests: 1 });
    expect(dropped).toEqual(['p.jsonl: 1 of 5 requests are warm-ups and left out']);
  });

  it('measures from the first request to the last answer', () => {
    const { rows, startedAtMs, durationMs } = readOne(text);
    expect(startedAtMs).toBeCloseTo(1_790_000_010_000, 2);
    expect(durationMs).toBeCloseTo(2000, 2);
    expect(rows.map(({ tsMs }) => Math.round(tsMs))).toEqual([0, 250, 1000, 1500]);
  });

  it('has no measured window where a request does not say when it was', () => {
    const without = text.replace('"request_end_ns":1790000012000000000,', '');
    const { durationMs, startedAtMs, rows, dropped } = readOne(without, 'p.jsonl');
    expect({ durationMs, startedAtMs, rows: rows.length }).toEqual({ durationMs: null, startedAtMs: null, rows: 4 });
    expect(dropped).toContain(
      'p.jsonl:4 does not say when its request began and ended: p.jsonl has no measured window',
    );
  });

  it('leaves out a metric in a unit that is none of time', () => {
    const odd = text.replace(
      '"time_to_first_token":{"value":100,"unit":"ms"}',
      '"time_to_first_token":{"value":100,"unit":"%"}',
    );
    const { rows, dropped } = readOne(odd, 'p.jsonl');
    expect(rows[0]).toMatchObject({ ttftMs: null, e2elMs: 500 });
    expect(dropped).toContain('p.jsonl:2: metrics.time_to_first_token is in "%", no unit of time');
  });

  it('keeps the whole lines of a damaged file, and says which are not', () => {
    const damaged = [lines[1], 'garbage', '{"a": 1}', lines[3]].join('\n');
    const { rows, dropped } = readOne(damaged, 'p.jsonl');
    expect(rows.map(({ requestId }) => requestId)).toEqual(['first', 'second']);
    expect(dropped).toEqual([
      'p.jsonl:2 is no JSON (garbage): left out',
      'p.jsonl:3 is no request of AIPerf: left out',
    ]);
  });

  it('refuses a file of nothing but warm-ups', () => {
    expect(() => readOne(`${lines[0]}\n`, 'p.jsonl')).toThrow('p.jsonl has no figure that aiperf files have');
  });
});
