import type { Series } from './tables.ts';

/** What tells one series from another. */
export type SeriesKey = Pick<Series, 'metric' | 'role' | 'host' | 'rank'>;

/** The points of many series in the order of the file: point `i` belongs to series `keys[seriesOf[i]]`. */
export interface Points {
  readonly keys: readonly SeriesKey[];
  readonly seriesOf: Int32Array;
  readonly steps: Float64Array;
  readonly tsMs: Float64Array;
  readonly values: Float64Array;
}

/**
 * One series per key, in order of metric, role, host and rank. The points of a
 * series are in order of step, then time, then the file.
 */
export function groupSeries(points: Points): readonly Series[] {
  const rowsOf = rowsPerSeries(points);
  return points.keys
    .map((key, index) => seriesFrom(points, key, inOrder(points, rowsOf[index] ?? new Int32Array(0))))
    .sort(byKey);
}

function rowsPerSeries({ keys, seriesOf }: Points): readonly Int32Array[] {
  const counts = new Int32Array(keys.length);
  for (const series of seriesOf) counts[series] = (counts[series] ?? 0) + 1;
  const rowsOf = Array.from(counts, (count) => new Int32Array(count));
  counts.fill(0);
  for (let row = 0; row < seriesOf.length; row += 1) {
    const series = seriesOf[row] ?? 0;
    const at = counts[series] ?? 0;
    const rows = rowsOf[series];
    if (rows) rows[at] = row;
    counts[series] = at + 1;
  }
  return rowsOf;
}

/** The rows by step and time; a live stream is nearly always in that order already. */
function inOrder({ steps, tsMs }: Points, rows: Int32Array): Int32Array {
  const compare = (a: number, b: number) => (steps[a] ?? 0) - (steps[b] ?? 0) || (tsMs[a] ?? 0) - (tsMs[b] ?? 0);
  const isInOrder = rows.every((row, index) => index === 0 || compare(rows[index - 1] ?? row, row) <= 0);
  return isInOrder ? rows : rows.sort((a, b) => compare(a, b) || a - b);
}

function seriesFrom(points: Points, key: SeriesKey, rows: Int32Array): Series {
  return { ...key, steps: pick(points.steps, rows), tsMs: pick(points.tsMs, rows), values: pick(points.values, rows) };
}

function pick(column: Float64Array, rows: Int32Array): Float64Array {
  const picked = new Float64Array(rows.length);
  for (let at = 0; at < rows.length; at += 1) picked[at] = column[rows[at] ?? 0] ?? NaN;
  return picked;
}

function byKey(a: SeriesKey, b: SeriesKey): number {
  return (
    compareTexts(a.metric, b.metric) ||
    compareTexts(a.role, b.role) ||
    compareTexts(a.host, b.host) ||
    (a.rank ?? -1) - (b.rank ?? -1)
  );
}

function compareTexts(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
