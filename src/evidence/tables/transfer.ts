import { DOUBLE, DuckDBListValue, LIST, VARCHAR } from '@duckdb/node-api';
import type { DuckDBType, DuckDBVector } from '@duckdb/node-api';
import type { Data } from 'apache-arrow';
import type { ColumnType } from './column-schema.ts';

/** Rows of a batch and the vector of as many rows that takes them. */
export interface Slice {
  readonly data: Data;
  readonly vector: DuckDBVector;
  readonly start: number;
  readonly count: number;
}

/** How the values of one SQL type get from Arrow into DuckDB. */
export interface Transfer {
  /** The type in which they travel. */
  readonly carrier: DuckDBType;
  fill(slice: Slice): void;
  /** The SQL that makes the column of the declared type from what travelled. */
  restore(name: string): string;
}

// Numbers travel as DOUBLE with NaN for null: a null costs DuckDB's vectors arithmetic with BigInt for every row
// behind it. No NaN is ever captured, and every captured whole number is below 2^53.
const number = (name: string) => `nullif(${name}, 'NaN'::DOUBLE)`;

/** The transfer of every SQL type. */
export const transfers: Readonly<Record<ColumnType, Transfer>> = {
  VARCHAR: { carrier: VARCHAR, fill: fillTexts, restore: (name) => name },
  DOUBLE: { carrier: DOUBLE, fill: fillNumbers, restore: number },
  INTEGER: { carrier: DOUBLE, fill: fillNumbers, restore: (name) => `${number(name)}::INTEGER` },
  BIGINT: { carrier: DOUBLE, fill: fillNumbers, restore: (name) => `${number(name)}::BIGINT` },
  TIMESTAMP: { carrier: DOUBLE, fill: fillNumbers, restore: (name) => `make_timestamp(${number(name)}::BIGINT)` },
  BOOLEAN: { carrier: DOUBLE, fill: fillBooleans, restore: (name) => `${number(name)} = 1` },
  'DOUBLE[]': { carrier: LIST(DOUBLE), fill: fillLists, restore: (name) => name },
};

function isSet(bits: Uint8Array, index: number): boolean {
  return (((bits[index >> 3] ?? 0) >> (index & 7)) & 1) === 1;
}

/** Which values are there, as a question that is cheap to ask for every row; a column without nulls carries no bits. */
function presenceIn(data: Data): (index: number) => boolean {
  if (data.nullCount === 0) return () => true;
  const bits = data.nullBitmap;
  return (index) => isSet(bits, index);
}

function fillNumbers({ data, vector, start, count }: Slice): void {
  const values: ArrayLike<number | bigint> = data.values;
  const isPresent = presenceIn(data);
  for (let row = 0; row < count; row += 1) {
    const index = start + row;
    vector.setItem(row, isPresent(index) ? Number(values[index]) : NaN);
  }
  vector.flush();
}

function fillBooleans({ data, vector, start, count }: Slice): void {
  const isPresent = presenceIn(data);
  for (let row = 0; row < count; row += 1) {
    const index = start + row;
    vector.setItem(row, isPresent(index) ? Number(isSet(data.values, index)) : NaN);
  }
  vector.flush();
}

function fillTexts({ data, vector, start, count }: Slice): void {
  const { values, valueOffsets: offsets } = data;
  const bytes = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  const first = offsets[start] ?? 0;
  const last = offsets[start + count] ?? 0;
  const all = bytes.toString('utf8', first, last);
  const isPresent = presenceIn(data);
  const isAscii = all.length === last - first;
  const textAt = (from: number, to: number) =>
    isAscii ? all.substring(from - first, to - first) : bytes.toString('utf8', from, to);
  for (let row = 0; row < count; row += 1) {
    const index = start + row;
    vector.setItem(row, isPresent(index) ? textAt(offsets[index] ?? 0, offsets[index + 1] ?? 0) : null);
  }
  vector.flush();
}

function fillLists({ data, vector, start, count }: Slice): void {
  const { valueOffsets: offsets } = data;
  const isPresent = presenceIn(data);
  const itemAt = itemsOf(data);
  for (let row = 0; row < count; row += 1) {
    const index = start + row;
    const items: (number | null)[] = [];
    for (let item = offsets[index] ?? 0; item < (offsets[index + 1] ?? 0); item += 1) items.push(itemAt(item));
    vector.setItem(row, isPresent(index) ? new DuckDBListValue(items) : null);
  }
  vector.flush();
}

function itemsOf(lists: Data): (index: number) => number | null {
  const [items] = lists.children;
  if (!items) return () => null;
  const values: Float64Array = items.values;
  const isPresent = presenceIn(items);
  return (index) => (isPresent(index) ? (values[index] ?? null) : null);
}
