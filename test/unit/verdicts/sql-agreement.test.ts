import { DuckDBInstance } from '@duckdb/node-api';
import type { DuckDBConnection } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PredicateName } from '../../../src/config/thresholds/predicate.ts';
import type { Series } from '../../../src/evidence/tables/tables.ts';
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
    ts: Math.floor(random() * 1e9),
    input_tokens: Math.floor(random() * 1000),
    output_tokens,
    gaps: Array.from({ length: Math.min(8, output_tokens - 1) }, () => 5 + 40 * random() ** 3),
  };
});
/** Of each rank of two hosts, in different places, steps in which not every one is logged. */
const series: readonly Series[] = ['n1', 'n2'].flatMap((host) =>
  [0, 1, 2].flatMap((rank) => {
    const logged = Array.from({ length: 400 }, (_, i) => i + 1).filter((step) => step % 7 < 3 + rank || random() < 0.2);
    const ofMetric = (metric: string, value: (step: number) => number): Series =>
      seriesOf(logged.map(value), {
        metric,
        host,
        rank,
        steps: Float64Array.from(logged),
        tsMs: Float64Array.from(logged, (step) => step * 250 + rank),
      });
    return [
      ofMetric('loss', (step) => 2 + 5 / (1 + step / 30) + random()),
      ofMetric('grad_norm', (step) => (rank === 2 && step % 101 === 0 ? NaN : random())),
      ofMetric('compute_ms', () => 100 + 40 * random() + 10 * rank),
      ofMetric('healthy', () => (random() < 0.01 * rank ? 0 : 1)),
    ];
  }),
);
const routed = ['prefill', 'decode'].flatMap((role) =>
  ['n1', 'n2', 'n3'].map((host) => {
    let counted = 100 * random();
    const values = Array.from({ length: 20 }, () => Math.floor((counted += 30 * random() ** 3)));
    return seriesOf(values, { metric: 'routed_requests', role, host });
  }),
);
const tables = runOf({ samples: samplesOf(rows), series: [...series, ...routed], measuredDurationMs: DURATION_MS });

let connection: DuckDBConnection;

beforeAll(async () => {
  const instance = await DuckDBInstance.create(':memory:');
  connection = await instance.connect();
  await connection.run(`
    CREATE TABLE samples (ok BOOLEAN, role VARCHAR, ttft_ms DOUBLE, tpot_ms DOUBLE, e2el_ms DOUBLE,
                          ts DOUBLE, input_tokens DOUBLE, output_tokens DOUBLE, gaps DOUBLE[]);
    CREATE TABLE trajectory (metric VARCHAR, role VARCHAR, host VARCHAR, rank INTEGER, step INTEGER, ts DOUBLE,
                             value DOUBLE)`);
  await insert(
    'samples',
    rows.map((row) => Object.values(row)),
  );
  await insert(
    'trajectory',
    tables.series.flatMap(({ metric, role, host, rank, steps, tsMs, values }) =>
      // As in the file, a value that is no number is null.
      [...values].map((value, i) => [metric, role, host, rank, steps[i], tsMs[i], Number.isNaN(value) ? null : value]),
    ),
  );
});

afterAll(() => connection.closeSync());

async function insert(table: string, values: readonly (readonly unknown[])[]): Promise<void> {
  const literal = (value: unknown): string => JSON.stringify(value ?? null).replaceAll('"', "'");
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

  it.each([
    ['within', { target: 3, epsilon: 0.1, by_step: 40 }, 'step <= 40'],
    ['within', { target: 2.6, epsilon: 0.2, by_wallclock_sec: 30 }, 'ts <= 30000'],
    ['within', { target: 2.2, epsilon: 0.2 }, 'true'],
    ['<=', { target: 3, epsilon: 0.1, by_step: 40, op: '<=' }, 'step <= 40'],
    ['<=', { target: 2.1, epsilon: 0.1, by_wallclock_sec: 50, op: '<=' }, 'ts <= 50000'],
  ])('convergence %s %j', async (op, fields, inTime) => {
    const { margin } = evaluateThreshold(threshold('Convergence', { metric: 'loss', ...fields }), tables);
    const distance = op === 'within' ? `abs(value - ${fields.target})` : `value - ${fields.target}`;
    const expected = await ask(
      `SELECT ${fields.epsilon} - max(closest)
       FROM (SELECT min(${distance}) AS closest FROM trajectory WHERE metric = 'loss' AND ${inTime} GROUP BY host, rank)`,
    );
    expect(margin).toBeCloseTo(expected, 12);
  });

  const fromPoint = (fraction: number): string => `place > n - ceil(n * ${fraction})`;
  it.each([
    [{ window: 'last_quarter' }, fromPoint(0.25), 'value - before'],
    [{ window: 'last_quarter', relative: true }, fromPoint(0.25), '(value - before) / abs(before)'],
    [{ window: 1 }, 'true', 'value - before'],
    [{ window: 0.6, direction: 'non_decreasing' }, fromPoint(0.6), 'before - value'],
    [{ window: { last_steps: 30 } }, 'step > last - 30', 'value - before'],
    [
      { window: { last_steps: 90 }, direction: 'non_decreasing', relative: true },
      'step > last - 90',
      '(before - value) / abs(before)',
    ],
  ])('monotonicity %j', async (fields, inWindow, reversal) => {
    const verdict = evaluateThreshold(threshold('Monotonicity', { metric: 'loss', tolerance: 0.5, ...fields }), tables);
    await expectAgreement(
      verdict,
      `WITH placed AS (SELECT *, row_number() OVER (PARTITION BY host, rank ORDER BY step) AS place,
                              count(*) OVER (PARTITION BY host, rank) AS n,
                              max(step) OVER (PARTITION BY host, rank) AS last
                       FROM trajectory WHERE metric = 'loss')
       SELECT max(${reversal})
       FROM (SELECT value, lag(value) OVER (PARTITION BY host, rank ORDER BY step) AS before
             FROM placed WHERE ${inWindow})`,
    );
  });

  it.each([2, 10, 50])('stability over %d values of a series', async (size) => {
    const asked = threshold('Stability', { metric: 'loss', window_size: size, max_variance: 1 });
    await expectAgreement(
      evaluateThreshold(asked, tables),
      largestVariance('value', size, "trajectory WHERE metric = 'loss'"),
    );
  });

  it('stability over requests, by their arrival', async () => {
    const asked = threshold('Stability', { metric: 'ttft_ms', window_size: 20, max_variance: 1 });
    const requests = `(SELECT ttft_ms, ts AS step, 0 AS host, 0 AS rank FROM samples
                       WHERE ok AND ttft_ms IS NOT NULL)`;
    await expectAgreement(evaluateThreshold(asked, tables), largestVariance('ttft_ms', 20, requests));
  });

  const largestVariance = (value: string, size: number, from: string): string =>
    `SELECT max(variance)
     FROM (SELECT row_number() OVER series AS place,
                  var_pop(${value}) OVER (series ROWS BETWEEN ${size - 1} PRECEDING AND CURRENT ROW) AS variance
           FROM ${from} WINDOW series AS (PARTITION BY host, rank ORDER BY step))
     WHERE place >= ${size}`;

  it.each([
    threshold('Convergence', { metric: 'grad_norm', target: 0.5, epsilon: 0.4 }),
    threshold('Monotonicity', { metric: 'grad_norm', window: 1, tolerance: 10 }),
    threshold('Stability', { metric: 'grad_norm', window_size: 2, max_variance: 10 }),
  ])('what is no number in one of many series: $kind', async (asked) => {
    const worst = `SELECT count(*) FROM trajectory WHERE metric = 'grad_norm' AND value IS NULL GROUP BY host, rank
                   HAVING count(*) > 0 ORDER BY host, rank`;
    const verdict = evaluateThreshold(asked, tables);
    expect(verdict).toMatchObject({ outcome: 'failed', actual: null });
    expect(verdict.detail).toContain(`worker n1 rank 2 has ${await ask(worst)} values not a number`);
  });

  it.each<[PredicateName, string]>([
    ['loss_finite', "SELECT count(*) - count(value) FROM trajectory WHERE metric = 'loss' OR metric = 'grad_norm'"],
    [
      'no_straggler',
      `SELECT max(usual) / quantile_disc(usual, 0.5)
       FROM (SELECT quantile_cont(value, 0.5) AS usual FROM trajectory WHERE metric = 'compute_ms' GROUP BY host, rank)`,
    ],
    [
      'router_balance',
      `SELECT max(share)
       FROM (SELECT max(got) / avg(got) AS share
             FROM (SELECT role, max(value) - min(value) AS got FROM trajectory WHERE metric = 'routed_requests'
                   GROUP BY role, host) GROUP BY role)`,
    ],
    ['error_rate', 'SELECT 1 - avg(ok::INTEGER) FROM samples'],
    [
      'health',
      "SELECT max(share) FROM (SELECT 1 - avg(value) AS share FROM trajectory WHERE metric = 'healthy' GROUP BY host, rank)",
    ],
  ])('%s', async (predicate, sql) => {
    await expectAgreement(evaluateThreshold(threshold('Predicate', { predicate }), tables), sql);
  });
});
