import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { verdictSchema } from '../../../src/evidence/verdict.ts';
import { evaluateAll, evaluateThreshold } from '../../../src/verdicts/evaluate.ts';
import { runOf, samplesOf, seriesOf, threshold } from './tables.ts';

const thresholds = [
  threshold('Percentile', { metric: 'ttft_ms', percentile: 99, op: '<=', value: 50 }),
  threshold('Percentile', { metric: 'itl_ms', percentile: 99, op: '<', value: 50, min_samples: 'auto' }),
  threshold('Rate', { metric: 'throughput', per_unit: 'sec', op: '>=', min_rate: 1200 }),
  threshold('Goodput', { ttft_max_ms: 450, tpot_max_ms: 40, op: '>=', min_qps: 2 }),
  threshold('Convergence', { metric: 'loss', target: 2, epsilon: 0.1 }),
  threshold('Monotonicity', { metric: 'loss', window: 0.5, tolerance: 0.1, relative: true }),
  threshold('Stability', { metric: 'loss', window_size: 2, max_variance: 1 }),
  threshold('Stability', { metric: 'ttft_ms', window_size: 2, max_variance: 1 }),
];

describe('evaluateAll', () => {
  it('gives one verdict per threshold, in their order', () => {
    const verdicts = evaluateAll(thresholds, runOf());
    expect(verdicts.map(({ benchmark }) => benchmark)).toEqual([
      'ttft_p99',
      'itl_p99',
      'throughput',
      'goodput',
      'convergence',
      'monotonic_loss',
      'loss_stability',
      'ttft_stability',
    ]);
    expect(verdicts).toEqual(thresholds.map((one) => evaluateThreshold(one, runOf())));
  });

  it('answers under the name that the threshold gives', () => {
    const [first] = evaluateAll([{ ...thresholds[0]!, benchmark: 'prefill_ttft' }], runOf());
    expect(first?.benchmark).toBe('prefill_ttft');
  });
});

it('whatever the run, every verdict has the stored shape and no number that JSON cannot hold', () => {
  const measured = fc.option(fc.double({ noDefaultInfinity: false }));
  const row = fc.record({
    ttft_ms: measured,
    tpot_ms: measured,
    output_tokens: measured,
    gaps: fc.array(fc.double(), { maxLength: 3 }),
    ok: fc.boolean(),
  });
  const run = fc.record({
    samples: fc.option(fc.array(row).map(samplesOf)),
    series: fc.array(fc.array(fc.double(), { minLength: 1 }).map((values) => seriesOf(values))),
    scalars: fc.record({ ttft_p99_ms: measured, throughput_tps: measured }),
    measuredDurationMs: fc.option(fc.double({ noNaN: true, min: 0 })),
    startedAtMs: fc.option(fc.nat()),
  });
  fc.assert(
    fc.property(run, (tables) => {
      for (const verdict of evaluateAll(thresholds, tables)) {
        expect(verdictSchema.parse(verdict)).toEqual(verdict);
        expect(verdict.passed).toBe(verdict.outcome === 'passed');
      }
    }),
  );
});
