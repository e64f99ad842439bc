import { describe, expect, it } from 'vitest';
import type { CellThreshold } from '../../../src/config/cell.ts';
import { judgeRun } from '../../../src/lifecycle/judge-run.ts';
import type { JudgedRun, Yardstick } from '../../../src/lifecycle/judge-run.ts';
import { evaluateAll } from '../../../src/verdicts/evaluate.ts';
import { samplesOf } from '../verdicts/tables.ts';

const adapter = { verify: evaluateAll };

/** A run of which only its summary is known. */
function summary(scalars: JudgedRun['result']['scalars']): JudgedRun {
  return {
    tables: { samples: null, series: [] },
    result: { scalars, measured: { started_at_ms: 0, duration_ms: 1000 } },
  };
}

const ttft: CellThreshold = {
  threshold: { kind: 'Percentile', metric: 'ttft_ms', percentile: 99, op: '<=', value: 50 },
  source: 'demo.yaml:3',
};

function by(given: Partial<Yardstick> = {}): Yardstick {
  const tool = { name: 'vitest-assay', version: '1.2.3' };
  return { thresholds: [ttft], enforce: true, verificationHash: 'sha256:ab', tool, ...given };
}

describe('judgeRun', () => {
  it('says by what it judged, and where each threshold is written', () => {
    const judged = judgeRun(adapter, summary({ ttft_p99_ms: 40 }), by());
    expect(judged).toMatchObject({
      verification_hash: 'sha256:ab',
      tool: { name: 'vitest-assay', version: '1.2.3' },
      thresholds: [ttft],
      verdicts: [{ actual: 40, source: 'demo.yaml:3' }],
    });
    expect(judged.patterns).toMatch(/^sha256:/);
  });

  it.each([
    [40, true, 'passed'],
    [60, true, 'failed_verification'],
    [40, false, 'recorded'],
    [60, false, 'recorded'],
  ] as const)('of %d ms with enforce %s the run has %s', (value, enforce, status) => {
    const judged = judgeRun(adapter, summary({ ttft_p99_ms: value }), by({ enforce }));
    expect(judged.status).toBe(status);
    expect(judged.failure === null).toBe(status !== 'failed_verification');
  });

  it('judges a training by its summary, though its file of samples is there and empty', () => {
    const rate: CellThreshold = {
      threshold: { kind: 'Rate', metric: 'throughput', per_unit: 'sec', op: '>=', min_rate: 100 },
      source: 'demo.yaml:3',
    };
    const trained = summary({ throughput_tps: 250 });
    const tables = { ...trained.tables, samples: samplesOf([]) };
    const judged = judgeRun(adapter, { ...trained, tables }, by({ thresholds: [rate] }));
    expect(judged.verdicts).toMatchObject([{ actual: 250, passed: true }]);
  });

  it('fails a run whose figure was not measured', () => {
    const { status, failure } = judgeRun(adapter, summary({ ttft_p99_ms: null }), by());
    expect(status).toBe('failed_verification');
    expect(failure).toMatchObject({ category: 'verification_failure', originated_in_phase: 'verify' });
  });

  it('judges what JSON keeps of a figure', () => {
    const [stored] = judgeRun(adapter, summary({ ttft_p99_ms: -0 }), by()).verdicts;
    expect(Object.is(stored?.actual, 0)).toBe(true);
  });
});
