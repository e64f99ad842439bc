import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Threshold, ThresholdKind } from '../../src/config/threshold.ts';
import type { Series } from '../../src/evidence/tables/tables.ts';
import type { Verdict } from '../../src/evidence/verdict.ts';
import { evaluateThreshold } from '../../src/verdicts/evaluate.ts';
import type { RunTables } from '../../src/verdicts/run-tables.ts';
import { runOf, samplesOf, seriesOf, threshold } from '../unit/verdicts/tables.ts';
import type { Row } from '../unit/verdicts/tables.ts';

// What holds for verdicts of every kind, on runs that leave no kind without an answer. What percentiles are among
// their samples is a matter of test/unit/verdicts/statistics.test.ts.

/** A run before it is columns. */
interface Drawn {
  readonly rows: readonly Row[];
  readonly series: readonly Series[];
}

const judge = (asked: Threshold, { rows, series }: Drawn): Verdict =>
  evaluateThreshold(asked, runOf({ samples: samplesOf(rows), series }));

const GOOD: Row = { ttft_ms: 10, tpot_ms: 5, output_tokens: 3, gaps: [4, 6], ok: true };
const BAD: Row = { ...GOOD, ok: false };

const rowsArbitrary: fc.Arbitrary<readonly Row[]> = fc
  .array(
    fc.record({
      ttft_ms: fc.option(fc.nat(200), { freq: 9 }),
      tpot_ms: fc.option(fc.nat(80), { freq: 9 }),
      output_tokens: fc.nat(9),
      gaps: fc.array(fc.nat(50), { maxLength: 3 }),
      ok: fc.boolean(),
    }),
    { maxLength: 40 },
  )
  // Stability looks at requests by the time they arrived.
  .map((rows) => [GOOD, GOOD, ...rows].map((row, i) => ({ ...row, ts: i })));

const seriesArbitrary = (metric: string, values: fc.Arbitrary<readonly number[]>, role = 'worker') =>
  fc
    .array(values, { minLength: 2, maxLength: 4 })
    .map((ranks) => ranks.map((own, rank) => seriesOf(own, { metric, role, rank })));

const numbers = (smallest: number, largest: number, minLength: number) =>
  fc.array(fc.integer({ min: smallest, max: largest }), { minLength, maxLength: 20 });
const counter = numbers(1, 9, 2).map((steps) => steps.map((_, i) => steps.slice(0, i + 1).reduce((a, b) => a + b)));

const run: fc.Arbitrary<Drawn> = fc.record({
  rows: rowsArbitrary,
  series: fc
    .tuple(
      seriesArbitrary('loss', numbers(1, 100, 3)),
      seriesArbitrary('compute_ms', numbers(50, 100, 5)),
      seriesArbitrary('routed_requests', counter, 'prefill'),
      seriesArbitrary('routed_requests', counter, 'decode'),
      seriesArbitrary('healthy', numbers(0, 1, 1)),
    )
    .map((all) => all.flat()),
});

const op = fc.constantFrom('<=', '<', '>=', '>');

/** Thresholds that may pass or fail on such a run, by kind; each predicate besides. */
const thresholds: { readonly [Kind in ThresholdKind]: fc.Arbitrary<Threshold> } = {
  Percentile: fc
    .record({
      metric: fc.constantFrom('ttft_ms', 'itl_ms'),
      percentile: fc.integer({ min: 1, max: 100 }),
      op,
      value: fc.nat(200),
    })
    .map((fields) => threshold('Percentile', fields)),
  Rate: fc
    .record({ metric: fc.constantFrom('throughput', 'request_throughput'), op, min_rate: fc.nat(200) })
    .map((fields) => threshold('Rate', { ...fields, per_unit: 'sec' })),
  Goodput: fc
    .record({
      ttft_max_ms: fc.integer({ min: 1, max: 200 }),
      tpot_max_ms: fc.integer({ min: 1, max: 80 }),
      op,
      min_qps: fc.nat(40),
    })
    .map((fields) => threshold('Goodput', fields)),
  Convergence: fc
    .record({ target: fc.nat(100), epsilon: fc.nat(20), within: fc.boolean() })
    .map(({ within, ...fields }) =>
      threshold('Convergence', { metric: 'loss', ...fields, ...(within ? {} : { op: '<=' }) }),
    ),
  Monotonicity: fc
    .record({
      window: fc.constantFrom('last_quarter', 1, { last_steps: 5 }),
      direction: fc.constantFrom('non_increasing', 'non_decreasing'),
      tolerance: fc.nat(50),
      relative: fc.boolean(),
    })
    .map((fields) => threshold('Monotonicity', { metric: 'loss', ...fields })),
  Stability: fc
    .record({
      metric: fc.constantFrom('loss', 'output_tokens'),
      window_size: fc.constant(2),
      max_variance: fc.nat(500),
    })
    .map((fields) => threshold('Stability', fields)),
  Predicate: fc
    .constantFrom('loss_finite', 'no_straggler', 'router_balance', 'error_rate', 'health')
    .map((predicate) => threshold('Predicate', { predicate })),
};
const kinds = Object.entries(thresholds);

describe.each(kinds)('whatever the run, a %s', (_, asked) => {
  it('passes where its margin says so', () => {
    fc.assert(
      fc.property(asked, run, (one, drawn) => {
        const { op: bound, margin, passed, outcome } = judge(one, drawn);
        const isStrict = bound === '<' || bound === '>';
        expect(outcome).toBe(passed ? 'passed' : margin === null ? 'no_data' : 'failed');
        if (margin !== null) expect(passed).toBe(isStrict ? margin > 0 : margin >= 0);
      }),
    );
  });

  it('does not mind the order of requests, nor that of series', () => {
    const shuffled = <T>(values: readonly T[]) => fc.shuffledSubarray([...values], { minLength: values.length });
    const inAnyOrder = run.chain((drawn) =>
      fc.tuple(fc.constant(drawn), fc.record({ rows: shuffled(drawn.rows), series: shuffled(drawn.series) })),
    );
    fc.assert(
      fc.property(asked, inAnyOrder, (one, [drawn, other]) => {
        const { margin, outcome } = judge(one, drawn);
        expect(judge(one, other)).toMatchObject({ margin, outcome });
      }),
    );
  });

  it('is no better for another failed request', () => {
    fc.assert(
      fc.property(asked, run, fc.nat(200), (one, { rows, series }, ttft_ms) => {
        const failed = { ...GOOD, ttft_ms, ts: rows.length, ok: false };
        const [before, after] = [judge(one, { rows, series }), judge(one, { rows: [...rows, failed], series })];
        expect(after.margin ?? -Infinity).toBeLessThanOrEqual(before.margin ?? -Infinity);
        expect(after.passed && !before.passed).toBe(false);
      }),
    );
  });
});

/** A run in a unit that is `factor` times smaller. */
function inUnit({ rows, series }: Drawn, factor: number): Drawn {
  const scaled = (value: unknown): unknown => (typeof value === 'number' ? value * factor : value);
  return {
    rows: rows.map((row) => ({
      ...(Object.fromEntries(Object.entries(row).map(([name, value]) => [name, scaled(value)])) as Row),
      gaps: (row.gaps ?? []).map((gap) => gap * factor),
    })),
    series: series.map((one) => ({ ...one, values: one.values.map((value) => value * factor) })),
  };
}

describe('in another unit', () => {
  // Powers of 2 scale numbers without rounding them.
  const factor = fc.constantFrom(1 / 1024, 0.5, 2, 4096);

  /** The fields of a threshold that have its unit, and how the margin grows with the unit. */
  const scales: readonly (readonly [ThresholdKind, readonly string[], (factor: number, one: Threshold) => number])[] = [
    ['Percentile', ['value'], (by) => by],
    ['Rate', ['min_rate'], (by) => by],
    ['Goodput', ['ttft_max_ms', 'tpot_max_ms'], () => 1],
    ['Convergence', ['target', 'epsilon'], (by) => by],
    ['Monotonicity', ['tolerance'], (by, one) => ('relative' in one && one.relative === true ? 1 : by)],
    ['Stability', ['max_variance'], (by) => by * by],
    ['Predicate', [], () => 1],
  ];
  /** Counts have no unit. */
  const isCount = (one: Threshold): boolean =>
    ('metric' in one && one.metric === 'request_throughput') || ('predicate' in one && one.predicate === 'health');

  it.each(scales)('a %s has the same outcome', (kind, fields, growth) => {
    const asked = thresholds[kind].filter((one) => !isCount(one));
    fc.assert(
      fc.property(asked, run, factor, (one, drawn, by) => {
        const scale = growth(by, one);
        // A variance grows with the square, and a share not at all.
        const limitScale = kind === 'Goodput' ? by : scale;
        const scaledFields = Object.entries(one).map(([name, value]) => [
          name,
          fields.includes(name) ? Number(value) * limitScale : value,
        ]);
        // An answer of one token has no time per further token: tokens are no time.
        const { rows, series } = inUnit(drawn, by);
        const kept = kind === 'Goodput' ? rows.map((row, i) => ({ ...row, ...tokensOf(drawn.rows[i]) })) : rows;
        const { margin, outcome } = judge(one, drawn);
        const scaled = judge(Object.fromEntries(scaledFields) as unknown as Threshold, { rows: kept, series });
        expect(scaled).toMatchObject({ margin: margin === null ? null : margin * scale, outcome });
      }),
    );
  });
});

function tokensOf(row: Row | undefined): Pick<Row, string> {
  return { output_tokens: row?.['output_tokens'] ?? null };
}

/** Nothing that was measured could miss these, which read requests. */
const ofRequests: readonly Threshold[] = [
  threshold('Percentile', { metric: 'ttft_ms', percentile: 50, op: '<=', value: 1e9 }),
  threshold('Percentile', { metric: 'itl_ms', percentile: 50, op: '>=', value: -1 }),
  threshold('Rate', { metric: 'throughput', per_unit: 'sec', op: '>=', min_rate: -1 }),
  threshold('Rate', { metric: 'request_throughput', per_unit: 'sec', op: '<=', min_rate: 1e9 }),
  threshold('Goodput', { ttft_max_ms: 1e9, tpot_max_ms: 1e9, op: '>=', min_qps: -1 }),
  threshold('Goodput', { ttft_max_ms: 1e9, tpot_max_ms: 1e9, op: '<=', min_qps: 1e9 }),
  threshold('Stability', { metric: 'ttft_ms', window_size: 2, max_variance: 1e18 }),
  threshold('Predicate', { predicate: 'error_rate' }),
];

/** Nor these, which read series: each with the metrics that it looks at. */
const ofSeries: readonly (readonly [Threshold, readonly string[]])[] = [
  [threshold('Convergence', { metric: 'loss', target: 0, epsilon: 1e9 }), ['loss']],
  [threshold('Monotonicity', { metric: 'loss', window: 1, tolerance: 1e9 }), ['loss']],
  [threshold('Stability', { metric: 'loss', window_size: 2, max_variance: 1e18 }), ['loss']],
  [threshold('Predicate', { predicate: 'loss_finite' }), ['loss', 'grad_norm']],
  [threshold('Predicate', { predicate: 'no_straggler' }), ['compute_ms']],
  [threshold('Predicate', { predicate: 'router_balance' }), ['routed_requests']],
  [threshold('Predicate', { predicate: 'health' }), ['healthy']],
];

/** A run on which each of them holds. */
const SOUND: Drawn = {
  rows: Array.from({ length: 6 }, () => GOOD),
  series: ['loss', 'grad_norm', 'compute_ms', 'healthy', 'routed_requests'].flatMap((metric) =>
    ['prefill', 'decode'].map((role) => seriesOf([1, 2, 3, 4, 5, 6], { metric, role })),
  ),
};

/** What a framework may say of a run in which nothing completed. */
const ZEROS = { ttft_p50_ms: 0, itl_p50_ms: 0, throughput_tps: 0, request_throughput_rps: 0, completed: 0, failed: 0 };

const named = <T>(all: readonly T[], one: (entry: T) => Threshold) =>
  all.map((entry) => [JSON.stringify(one(entry)), entry] as const);

describe.each(named([...ofRequests, ...ofSeries.map(([asked]) => asked)], (asked) => asked))('%s', (_, asked) => {
  it('passes a run that measured it', () => {
    expect(judge(asked, SOUND).passed).toBe(true);
  });

  it.each<[string, Partial<RunTables>]>([
    ['left nothing', {}],
    ['left zeros', { scalars: ZEROS }],
    ['left figures that are no numbers', { scalars: Object.fromEntries(Object.keys(ZEROS).map((key) => [key, NaN])) }],
    ['has tables without rows', { samples: samplesOf([]), series: SOUND.series.map(withoutPoints), scalars: ZEROS }],
  ])('has no answer for a run that %s', (...[, tables]) => {
    expect(evaluateThreshold(asked, runOf(tables))).toMatchObject({ passed: false, outcome: 'no_data', actual: null });
  });
});

function withoutPoints({ metric, role }: Series): Series {
  return seriesOf([], { metric, role });
}

describe.each(named(ofRequests, (asked) => asked))('%s', (_, asked) => {
  it('never passes requests that all failed, whatever the summary says', () => {
    const failed = fc.array(fc.record({ ttft_ms: fc.nat(), tpot_ms: fc.nat(), output_tokens: fc.nat() }));
    fc.assert(
      fc.property(failed, fc.constantFrom({}, ZEROS), (rows, scalars) => {
        const samples = samplesOf(rows.map((row) => ({ ...BAD, ...row })));
        expect(evaluateThreshold(asked, runOf({ samples, scalars })).passed).toBe(false);
      }),
    );
  });
});

describe.each(named(ofSeries, ([asked]) => asked))('%s', (_, [asked, metrics]) => {
  it('fails for a value that is no number in any series that it looks at, and for no other', () => {
    const at = fc.record({ series: fc.nat(SOUND.series.length - 1), index: fc.nat(5) });
    fc.assert(
      fc.property(at, fc.constantFrom(NaN, Infinity, -Infinity), (place, value) => {
        const series = SOUND.series.map((one, i) => (i === place.series ? withValue(one, place.index, value) : one));
        const isSeen = metrics.includes(SOUND.series[place.series]?.metric ?? '');
        expect(judge(asked, { ...SOUND, series }).outcome).toBe(isSeen ? 'failed' : 'passed');
      }),
    );
  });
});

function withValue(series: Series, index: number, value: number): Series {
  return { ...series, values: series.values.with(index, value) };
}
