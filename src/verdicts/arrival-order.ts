import type { SampleColumns } from '../evidence/tables/tables.ts';
import { selectRequests } from './run-tables.ts';

/** What was found for loaded samples: the same for every verdict. */
const orders = new WeakMap<SampleColumns, Int32Array>();

/** The rows of the completed requests in the order in which they arrived, once for all verdicts: not to be written to. */
export function arrivalOrder(samples: SampleColumns): Int32Array {
  const order = orders.get(samples) ?? orderOf(samples);
  orders.set(samples, order);
  return order;
}

function orderOf(samples: SampleColumns): Int32Array {
  const { completed } = selectRequests(samples);
  const arrivals = samples.numeric('ts');
  return arrivals === null || isInOrder(arrivals, completed) ? completed : inOrderOf(arrivals, completed);
}

function isInOrder(column: Float64Array, rows: Int32Array): boolean {
  let before = -Infinity;
  for (let i = 0; i < rows.length; i++) {
    const key = column[rows[i] ?? 0] ?? NaN;
    if (!(key >= before)) return false;
    before = key;
  }
  return true;
}

/** The rows by the value that each has in a column; of equal values the first stays first. */
function inOrderOf(column: Float64Array, rows: Int32Array): Int32Array {
  // Requests are mostly written as they finish, not far from where they belong by their arrival.
  return dealOut(column, rows) ?? rows.slice().sort((a, b) => (column[a] ?? 0) - (column[b] ?? 0));
}

/** More rows than this in one bucket are not put in order one by one. */
const CROWD = 64;

/**
 * Deals the rows out to as many buckets, each of which takes an equal part of the range, and puts in order what is left:
 * little where the values are spread evenly. Null where they are not.
 */
function dealOut(column: Float64Array, rows: Int32Array): Int32Array | null {
  const { least, width } = rangeOf(column, rows);
  const scale = (rows.length - 1) / width;
  if (!Number.isFinite(width) || !Number.isFinite(scale)) return null;
  const bucketOf = (row: number): number => Math.floor(((column[row] ?? NaN) - least) * scale);
  const places = placesOf(rows, bucketOf);
  if (places === null) return null;
  const dealt = new Int32Array(rows.length);
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] ?? 0;
    const bucket = bucketOf(row);
    const place = places[bucket] ?? 0;
    dealt[place] = row;
    places[bucket] = place + 1;
  }
  insertAll(column, dealt);
  return dealt;
}

/** Where the rows of every bucket begin; null where too many go to one. */
function placesOf(rows: Int32Array, bucketOf: (row: number) => number): Int32Array | null {
  const places = new Int32Array(rows.length + 1);
  for (let i = 0; i < rows.length; i++) {
    const next = bucketOf(rows[i] ?? 0) + 1;
    places[next] = (places[next] ?? 0) + 1;
  }
  for (let next = 1; next < places.length; next++) {
    const size = places[next] ?? 0;
    if (size > CROWD) return null;
    places[next] = size + (places[next - 1] ?? 0);
  }
  return places;
}

/** The smallest value and how far it is to the largest, which is not finite when one of the values is not. */
function rangeOf(column: Float64Array, rows: Int32Array): { readonly least: number; readonly width: number } {
  let least = Infinity;
  let most = -Infinity;
  for (let i = 0; i < rows.length; i++) {
    const key = column[rows[i] ?? 0] ?? NaN;
    if (Number.isNaN(key)) return { least, width: NaN };
    if (key < least) least = key;
    if (key > most) most = key;
  }
  return { least, width: most - least };
}

/** Puts rows in order by insertion. */
function insertAll(column: Float64Array, rows: Int32Array): void {
  let highest = -Infinity;
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] ?? 0;
    const key = column[row] ?? NaN;
    if (key >= highest) {
      highest = key;
      continue;
    }
    let place = i;
    for (; place > 0 && (column[rows[place - 1] ?? 0] ?? NaN) > key; place--) rows[place] = rows[place - 1] ?? 0;
    rows[place] = row;
  }
}
