import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Verdict } from '../../../../src/evidence/verdict.ts';
import { describeHeld, describeMissed, MissedVerdict } from '../../../../src/vitest/claims/missed-verdict.ts';

const RUN = {
  folder: join(process.cwd(), 'runs/byte_llama_cpu/balanced-conc4/91a2c07be44b/0193a8e2'),
  testId: 'byte_llama_cpu',
  cellId: 'balanced-conc4',
  claim: 'ttft_p99',
};

const MISSED: Verdict = {
  kind: 'Percentile',
  metric: 'ttft_ms',
  benchmark: 'ttft_p99',
  op: '<=',
  expected: 50,
  actual: 73.4,
  margin: -23.4,
  passed: false,
  outcome: 'failed',
  n: 160,
  interval: { low: 68.9, high: 81, confidence: 0.95 },
  source: 'configs/byte_llama_cpu.yaml:31',
  detail: 'ttft_ms p99 is 73.4 ms, must be <= 50 ms (margin -23.4, 95 % interval 68.9 to 81, n 160)',
  evidence: {
    file: 'samples.parquet',
    worst: [
      { request_id: 'req-0151', value: 81 },
      { request_id: 'req-0033', value: 77.2341 },
    ],
  },
};

const HELD: Verdict = { ...MISSED, passed: true, outcome: 'passed', detail: 'throughput is 9, must be >= 1 (n 8)' };

afterEach(() => vi.unstubAllEnvs());

describe('a missed verdict', () => {
  it('says what was measured and demanded, where to look, and what to type', () => {
    expect(describeMissed(MISSED, RUN)).toBe(
      `ttft_ms p99 is 73.4 ms, must be <= 50 ms
   (margin -23.4, 95 % interval 68.9 to 81, n 160)
   worst     req-0151 81 · req-0033 77.23
   threshold configs/byte_llama_cpu.yaml:31
   evidence  runs/byte_llama_cpu/balanced-conc4/91a2c07be44b/0193a8e2/samples.parquet
   again     npx assay verify --only-cells byte_llama_cpu/balanced-conc4
   rerun     npx vitest run -t "ttft_p99 byte_llama_cpu balanced-conc4"`,
    );
  });

  it('says what it knows where nobody says which run it is about', () => {
    const { source: _source, ...unplaced } = MISSED;
    const silent = { ...unplaced, detail: 'goodput must be >= 1: there are no requests' };
    expect(describeMissed({ ...silent, evidence: { file: 'manifest.json', worst: [] } }, null)).toBe(
      'goodput must be >= 1: there are no requests',
    );
  });

  it('keeps within the width of a screen where ids are long', () => {
    const worst = ['a', 'b'].map((id) => ({ request_id: id.repeat(36), value: 5 }));
    const text = describeMissed({ ...MISSED, evidence: { ...MISSED.evidence, worst } }, null);
    expect(text.split('\n').slice(2, 4)).toEqual([
      `   worst     ${'a'.repeat(36)} 5`,
      `             ${'b'.repeat(36)} 5`,
    ]);
  });

  it('is run again with what the command line had changed', () => {
    vi.stubEnv('ASSAY_SET', 'params.isl=64\nseed=2');
    vi.stubEnv('ASSAY_CONFIGS', '');
    vi.stubEnv('ASSAY_CLUSTER', 'my.cluster.yaml');
    expect(describeMissed(MISSED, RUN).split('\n').slice(-2)).toEqual([
      `   rerun     ASSAY_SET='params.isl=64`,
      `seed=2' ASSAY_CLUSTER=my.cluster.yaml npx vitest run -t "ttft_p99 byte_llama_cpu balanced-conc4"`,
    ]);
  });

  it('is an error without a stack: where it was thrown helps nobody', () => {
    const error = new MissedVerdict(MISSED, RUN);
    expect(error.stack).toBe(`MissedVerdict: ${describeMissed(MISSED, RUN)}`);
  });
});

describe('a verdict that passed where it was not to', () => {
  it('says what holds, and where that is written', () => {
    expect(describeHeld(HELD, RUN)).toBe(
      `throughput is 9, must be >= 1 (n 8)
   holds, and was expected to be missed
   threshold configs/byte_llama_cpu.yaml:31
   evidence  runs/byte_llama_cpu/balanced-conc4/91a2c07be44b/0193a8e2/samples.parquet`,
    );
  });
});
