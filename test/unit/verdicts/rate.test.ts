import { describe, expect, it } from 'vitest';
import { evaluateThreshold } from '../../../src/verdicts/evaluate.ts';
import { runOf, samplesOf, threshold } from './tables.ts';
import type { Row } from './tables.ts';

const rate = (fields: Readonly<Record<string, unknown>>) =>
  threshold('Rate', { metric: 'throughput', per_unit: 'sec', op: '>=', min_rate: 1200, ...fields });
const rows: readonly Row[] = [
  { input_tokens: 1000, output_tokens: 100 },
  { input_tokens: 2000, output_tokens: 200 },
  { input_tokens: 4000, output_tokens: 400, ok: false },
];
const run = runOf({ samples: samplesOf(rows), measuredDurationMs: 2000 });

describe('a rate over samples', () => {
  it('divides the tokens of completed requests by the measured duration', () => {
    expect(evaluateThreshold(rate({}), run)).toEqual({
      kind: 'Rate',
      metric: 'throughput',
      benchmark: 'throughput',
      op: '>=',
      expected: 1200,
      actual: 150,
      passed: false,
      margin: -1050,
      n: 2,
      outcome: 'failed',
      detail: 'throughput is 150 tokens/s, must be >= 1200 tokens/s (margin -1050, n 2); 1 of 3 requests failed',
      evidence: { file: 'samples.parquet' },
    });
  });

  it.each([
    ['throughput', 'sec', '150 tokens/s'],
    ['throughput', 'min', '9000 tokens/min'],
    ['throughput', 'hour', '540000 tokens/hour'],
    ['request_throughput', 'sec', '1 requests/s'],
    ['image_throughput', 'min', '60 images/min'],
    ['video_throughput', 'sec', '1 videos/s'],
    ['total_token_throughput', 'sec', '1650 tokens/s'],
    ['input_tokens', 'sec', '1500 input_tokens/s'],
  ])('%s per %s is %s', (metric, per_unit, figure) => {
    const verdict = evaluateThreshold(rate({ metric, per_unit }), run);
    expect(verdict).toMatchObject({ actual: Number.parseFloat(figure), benchmark: metric });
    expect(verdict.detail).toContain(`${metric} is ${figure}, must be >= 1200 ${figure.split(' ')[1]} (`);
  });

  it('takes op as it stands: a ceiling on a rate is a ceiling', () => {
    expect(evaluateThreshold(rate({ op: '<=' }), run)).toMatchObject({ passed: true, margin: 1050 });
  });

  it('says what was not counted, and gives no answer where that would flatter', () => {
    const partly = runOf({ samples: samplesOf([{ output_tokens: 500 }, { output_tokens: null }]) });
    const floor = evaluateThreshold(rate({ min_rate: 400 }), partly);
    expect(floor).toMatchObject({ actual: 500, n: 1, passed: true });
    expect(floor.detail).toContain('; 1 of 2 completed requests without output_tokens');
    expect(evaluateThreshold(rate({ op: '<=' }), partly)).toMatchObject({ outcome: 'no_data', passed: false });
  });

  const completed = samplesOf(rows);
  const failed = samplesOf([{ output_tokens: 9, ok: false }]);
  const noColumn = samplesOf([{ ttft_ms: 1 }]);
  const emptyColumn = samplesOf([{ output_tokens: null }]);

  it.each([
    [{ samples: failed, scalars: { throughput_tps: 9 } }, '0 of 1 request completed'],
    [{ samples: completed, measuredDurationMs: null }, 'the measured duration is not known'],
    [{ samples: completed, measuredDurationMs: 0 }, 'the measured duration is not known'],
    [{ samples: noColumn }, 'the samples have no output_tokens'],
    [{ samples: emptyColumn }, 'the samples have no output_tokens'],
    [{}, 'the run has no samples, nor the summary a throughput_tps'],
  ])('has no answer (case %#): $1', (tables, reason) => {
    const verdict = evaluateThreshold(rate({ min_rate: 0.001 }), runOf(tables));
    expect(verdict).toMatchObject({ outcome: 'no_data', passed: false, actual: null, margin: null });
    expect(verdict.detail).toContain(reason);
  });
});

describe('a rate from a summary', () => {
  it.each([
    ['throughput', 'throughput_tps'],
    ['request_throughput', 'request_throughput_rps'],
    ['total_token_throughput', 'total_token_throughput_tps'],
    ['tokens_per_gpu', 'tokens_per_gpu_tps'],
    ['images_per_s', 'images_per_s'],
  ])('%s is found as %s, per second', (metric, name) => {
    const verdict = evaluateThreshold(rate({ metric, per_unit: 'min' }), runOf({ scalars: { [name]: 1318 } }));
    expect(verdict).toMatchObject({ actual: 1318 * 60, n: null, passed: true, evidence: { file: 'manifest.json' } });
    expect(verdict.detail).toContain(`; the framework's own ${name}: the run has no samples`);
  });

  it('does not count when nothing completed', () => {
    const verdict = evaluateThreshold(rate({ op: '<=' }), runOf({ scalars: { throughput_tps: 0, completed: 0 } }));
    expect(verdict).toMatchObject({ outcome: 'no_data', passed: false });
  });
});
