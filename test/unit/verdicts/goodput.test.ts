import { describe, expect, it } from 'vitest';
import { evaluateThreshold } from '../../../src/verdicts/evaluate.ts';
import { runOf, samplesOf, threshold } from './tables.ts';
import type { Row } from './tables.ts';

const goodput = (fields: Readonly<Record<string, unknown>> = {}) =>
  threshold('Goodput', { ttft_max_ms: 450, tpot_max_ms: 40, op: '>=', min_qps: 2, ...fields });
const good: Row = { ttft_ms: 450, tpot_ms: 40, e2el_ms: 900, output_tokens: 10 };
const run = (rows: readonly Row[], measuredDurationMs: number | null = 2000) =>
  runOf({ samples: samplesOf(rows), measuredDurationMs });

describe('goodput', () => {
  it('counts the requests that meet every bound, per second', () => {
    const rows = [good, good, good, { ...good, ttft_ms: 451 }, { ...good, tpot_ms: 41 }, { ...good, ok: false }];
    expect(evaluateThreshold(goodput(), run(rows))).toEqual({
      kind: 'Goodput',
      metric: 'goodput',
      benchmark: 'goodput',
      op: '>=',
      expected: 2,
      actual: 1.5,
      passed: false,
      margin: -0.5,
      n: 6,
      outcome: 'failed',
      detail:
        'goodput is 1.5 requests/s, must be >= 2 requests/s (margin -0.5, n 6); ' +
        '3 of 6 requests met ttft_ms <= 450 ms and tpot_ms <= 40 ms; 1 of 6 requests failed',
      evidence: { file: 'samples.parquet' },
    });
  });

  it('bounds the end-to-end latency when asked', () => {
    const rows = [good, { ...good, e2el_ms: 1001 }, { ...good, e2el_ms: null }];
    expect(evaluateThreshold(goodput(), run(rows))).toMatchObject({ actual: 1.5 });
    expect(evaluateThreshold(goodput({ e2el_max_ms: 1000 }), run(rows))).toMatchObject({ actual: 0.5 });
  });

  it('reads the columns that metric_pair names', () => {
    const rows = [{ ...good, first_ms: 900, itl_ms: 1 }];
    const named = goodput({ metric_pair: { ttft: 'first_ms', tpot: 'itl_ms' } });
    expect(evaluateThreshold(named, run(rows))).toMatchObject({ actual: 0 });
  });

  it.each([
    ['an answer of one token has no later ones to be late', { tpot_ms: null, output_tokens: 1 }, 0.5],
    ['a longer answer without a tpot is incomplete', { tpot_ms: null }, 0],
    ['so is one without a ttft', { ttft_ms: null }, 0],
    ['the ttft of one token still counts', { ttft_ms: 451, tpot_ms: null, output_tokens: 1 }, 0],
    ['an unknown number of tokens is not one', { tpot_ms: null, output_tokens: null }, 0],
  ])('%s', (_, fields, actual) => {
    expect(evaluateThreshold(goodput(), run([{ ...good, ...fields }]))).toMatchObject({ actual, outcome: 'failed' });
  });

  it.each([
    ['nothing completed', run([{ ...good, ok: false }]), '0 of 1 request completed'],
    ['there are no samples', runOf({ scalars: { request_goodput: 9 } }), 'the run has no samples'],
    ['the duration is not known', run([good], null), 'the measured duration is not known'],
    ['a bounded column is missing', run([{ ttft_ms: 1 }]), 'the samples have no tpot_ms'],
  ])('has no answer when %s', (_, tables, reason) => {
    const verdict = evaluateThreshold(goodput(), tables);
    expect(verdict).toMatchObject({ outcome: 'no_data', passed: false, actual: null });
    expect(verdict.detail).toBe(`goodput must be >= 2 requests/s: ${reason}`);
  });
});
