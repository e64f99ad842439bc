import type { ThresholdKind, ThresholdOf } from '../../../src/config/threshold.ts';
import { storedThresholdSchema } from '../../../src/config/threshold.ts';
import type { SampleColumns, Series } from '../../../src/evidence/tables/tables.ts';
import type { RunTables } from '../../../src/verdicts/run-tables.ts';

/** One request; a metric that is null was not measured. */
export interface Row {
  readonly ok?: boolean;
  readonly role?: string;
  readonly gaps?: readonly number[];
  readonly [metric: string]: number | null | boolean | string | readonly number[] | undefined;
}

/** Columns of the given rows; a metric that no row names is no column. */
export function samplesOf(rows: readonly Row[]): SampleColumns {
  const names = new Set(rows.flatMap((row) => Object.keys(row)));
  const offsets = Int32Array.from({ length: rows.length + 1 });
  const gaps = rows.flatMap((row, i) => {
    offsets[i + 1] = (offsets[i] ?? 0) + (row.gaps?.length ?? 0);
    return row.gaps ?? [];
  });
  return {
    rows: rows.length,
    numeric: (name) =>
      names.has(name) ? Float64Array.from(rows, (row) => (typeof row[name] === 'number' ? row[name] : NaN)) : null,
    ok: Uint8Array.from(rows, (row) => (row.ok === false ? 0 : 1)),
    roles: rows.map((row) => row.role ?? 'server'),
    hosts: rows.map(() => 'n1'),
    requestIds: rows.map((_, i) => `r${i}`),
    requestId: (row) => (row in rows ? `r${row}` : undefined),
    itls: names.has('gaps') ? { offsets, values: Float64Array.from(gaps) } : null,
  };
}

/** A series with one point a step and a second, from step 1. */
export function seriesOf(values: readonly number[], overrides: Partial<Series> = {}): Series {
  return {
    metric: 'loss',
    role: 'worker',
    host: 'n1',
    rank: null,
    steps: Float64Array.from(values, (_, i) => i + 1),
    tsMs: Float64Array.from(values, (_, i) => (i + 1) * 1000),
    values: Float64Array.from(values),
    ...overrides,
  };
}

/** A run of one second that started at the epoch, with nothing in it but what is given. */
export function runOf(overrides: Partial<RunTables> = {}): RunTables {
  return { samples: null, series: [], scalars: {}, measuredDurationMs: 1000, startedAtMs: 0, ...overrides };
}

/** A threshold as a cell would hand it over. */
export function threshold<Kind extends ThresholdKind>(
  kind: Kind,
  fields: Readonly<Record<string, unknown>>,
): ThresholdOf<Kind> {
  return storedThresholdSchema.parse({ kind, ...fields }) as ThresholdOf<Kind>;
}
