import { DuckDBInstance } from '@duckdb/node-api';
import type { DuckDBConnection } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Verdict } from '../../../src/evidence/verdict.ts';
import { evaluateThreshold } from '../../../src/verdicts/evaluate.ts';
import { runOf, samplesOf, seriesOf, threshold } from './tables.ts';
import type { Row } from './tables.ts';

const DURATION_MS = 12_345;

// A fixed mixture of requests: skewed latencies, failures, one-token answers, gaps in the measurement.
const random = (() => {
  let state = 20_260_528;
  return (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
})();
const rows: readonly Row[] = Array.from({ length: 5000 }, () => {
  const output_tokens = random() < 0.05 ? 1 : 2 + Math.floor(random() * 300);
  return {
    ok: random() > 0.04,
    role: random() < 0.3 ? 'prefill' : 'decode',
    ttft_ms: random() < 0.02 ? null : 20 - 30 * Math.log(1 - random()),
    tpot_ms: output_tokens === 1 || random() < 0.01 ? null : 10 + 30 * random(),
    e2el_ms: 100 + 4000 * random() ** 2,
    input_tokens: Math.floor(random() * 1000),
    output_tokens,
    gaps: Array.from({ length: Math.min(8, output_tokens - 1) }, () => 5 + 40 * random() ** 3),
  };
});
const losses = Array.from({ length: 4 }, () =>
  Array.from({ length: 300 }, (_, step) => 2 + 5 / (1 + step / 30) + random()),
);
const tables = runOf({
  samples: samplesOf(rows),
  series: losses.map((values, rank) => seriesOf(values, { rank })),
  measuredDurationMs: DURATION_MS,
});

let connection: DuckDBConnection;

beforeAll(async () => {
  const instance = await DuckDBInstance.create(':memory:');
  connection = await instance.connect();
  await connection.run(`
    CREATE TABLE samples (ok BOOLEAN, role VARCHAR, ttft_ms DOUBLE, tpot_ms DOUBLE, e2el_ms DOUBLE,
                          input_tokens DOUBLE, output_tokens DOUBLE, gaps DOUBLE[]);
    CREATE TABLE trajectory (rank INTEGER, step INTEGER, value DOUBLE)`);
  await insert(
    'samples',
    rows.map((row) => Object.values(row)),
  );
  await insert(
    'trajectory',
    losses.flatMap((values, rank) => values.map((value, i) => [rank, i + 1, value])),
  );
});

afterAll(() => connection.closeSync());

async function insert(table: string, values: readonly (readonly unknown[])[]): Promise<void> {
  const literal = (value: unknown): string => JSON.stringify(value).replaceAll('"', "'");
  const tuples = values.map((row) => `(${row.map(literal).join(', ')})`);
  await connection.run(`INSERT INTO ${table} VALUES ${tuples.join(', ')}`);
}

async function ask(sql: string): Promise<number> {
  const reader = await connection.runAndReadAll(sql);
  return Number(reader.getRows()[0]?.[0]);
}

async function expectAgreement(verdict: Verdict, sql: string): Promise<void> {
  const expected = await ask(sql);
  expect(Math.abs(verdict.actual! - expected)).toBeLessThanOrEqual(Math.abs(expected) * 1e-12);
}

describe('verdicts agree with SQL', () => {
  it.each(
    [1, 10, 50, 90, 99, 99.9, 100].flatMap((p) =>
      ['ttft_ms', 'tpot_ms', 'e2el_ms'].map((metric) => [metric, p] as const),
    ),
  )('%s p%d', async (metric, percentile) => {
    const asked = threshold('Percentile', { metric, percentile, op: '<=', value: 50 });
    await expectAgreement(
      evaluateThreshold(asked, tables),
      `SELECT quantile_cont(${metric}, ${percentile} / 100.0) FROM samples WHERE ok`,
    );
  });

  it('a percentile of one role', async () => {
    const asked = threshold('Percentile', { metric: 'ttft_ms', percentile: 95, op: '<=', value: 50, role: 'prefill' });
    const verdict = evaluateThreshold(asked, tables);
    await expectAgreement(verdict, "SELECT quantile_cont(ttft_ms, 0.95) FROM samples WHERE ok AND role = 'prefill'");
    expect(verdict.n).toBe(await ask("SELECT count(ttft_ms) FROM samples WHERE ok AND role = 'prefill'"));
  });

  it('a percentile over pooled gaps', async () => {
    const asked = threshold('Percentile', { metric: 'itl_ms', percentile: 99, op: '<=', value: 50 });
    const verdict = evaluateThreshold(asked, tables);
    await expectAgreement(
      verdict,
      'SELECT quantile_cont(gap, 0.99) FROM (SELECT unnest(gaps) AS gap FROM samples WHERE ok)',
    );
    expect(verdict.n).toBe(await ask('SELECT sum(len(gaps)) FROM samples WHERE ok'));
  });

  it.each([
    ['throughput', 'sum(output_tokens)'],
    ['request_throughput', 'count(*)'],
    ['total_token_throughput', 'sum(input_tokens + output_tokens)'],
    ['e2el_ms', 'sum(e2el_ms)'],
  ])('the rate of %s', async (metric, amount) => {
    const asked = threshold('Rate', { metric, per_unit: 'min', op: '>=', min_rate: 1 });
    await expectAgreement(
      evaluateThreshold(asked, tables),
      `SELECT ${amount} / (${DURATION_MS} / 60000.0) FROM samples WHERE ok`,
    );
  });

  it('goodput', async () => {
    const asked = threshold('Goodput', { ttft_max_ms: 60, tpot_max_ms: 30, e2el_max_ms: 2000, op: '>=', min_qps: 1 });
    await expectAgreement(
      evaluateThreshold(asked, tables),
      `SELECT count(*) / (${DURATION_MS} / 1000.0) FROM samples
       WHERE ok AND ttft_ms <= 60 AND e2el_ms <= 2000 AND (tpot_ms <= 30 OR (tpot_ms IS NULL AND output_tokens = 1))`,
    );
  });

  it('convergence', async () => {
    const asked = threshold('Convergence', { metric: 'loss', target: 3, epsilon: 0.1, by_step: 40 });
    const { margin } = evaluateThreshold(asked, tables);
    const expected = await ask(
      `SELECT 0.1 - max(closest)
       FROM (SELECT min(abs(value - 3)) AS closest FROM trajectory WHERE step <= 40 GROUP BY rank)`,
    );
    expect(margin).toBeCloseTo(expected, 12);
  });

  it.each([
    [false, 'value - before'],
    [true, '(value - before) / abs(before)'],
  ])('monotonicity (relative: %s)', async (relative, reversal) => {
    const asked = threshold('Monotonicity', { metric: 'loss', window: 'last_quarter', tolerance: 0.5, relative });
    await expectAgreement(
      evaluateThreshold(asked, tables),
      `SELECT max(${reversal})
       FROM (SELECT value, lag(value) OVER (PARTITION BY rank ORDER BY step) AS before
             FROM trajectory WHERE step > 300 * 0.75)`,
    );
  });

  it('stability', async () => {
    const asked = threshold('Stability', { metric: 'loss', window_size: 50, max_variance: 1 });
    const { actual } = evaluateThreshold(asked, tables);
    const expected = await ask(
      `SELECT max(variance)
       FROM (SELECT step, var_pop(value) OVER (PARTITION BY rank ORDER BY step
                                               ROWS BETWEEN 49 PRECEDING AND CURRENT ROW) AS variance
             FROM trajectory)
       WHERE step >= 50`,
    );
    expect(Math.abs(actual! - expected)).toBeLessThanOrEqual(expected * 1e-12);
  });
});
