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

// Numbers travel as DOUBLE with NaN for null: DuckDB's vectors set a plain number ten times faster than a null,
// no NaN is ever captured, and every captured whole number is below 2^53.
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

/** Whether a value is there; a column without nulls carries no bits. */
function isPresent(data: Data, index: number): boolean {
  return data.nullCount === 0 || isSet(data.nullBitmap, index);
}

function fillNumbers({ data, vector, start, count }: Slice): void {
  const values: ArrayLike<number | bigint> = data.values;
  for (let row = 0; row < count; row += 1) {
    const index = start + row;
    vector.setItem(row, isPresent(data, index) ? Number(values[index]) : NaN);
  }
  vector.flush();
}

function fillBooleans({ data, vector, start, count }: Slice): void {
  for (let row = 0; row < count; row += 1) {
    const index = start + row;
    vector.setItem(row, isPresent(data, index) ? Number(isSet(data.values, index)) : NaN);
  }
  vector.flush();
}

function fillTexts({ data, vector, start, count }: Slice): void {
  const { values, valueOffsets: offsets } = data;
  const bytes = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  const first = offsets[start] ?? 0;
  const last = offsets[start + count] ?? 0;
  const all = bytes.toString('utf8', first, last);
  const isAscii = all.length === last - first;
  const textAt = (from: number, to: number) =>
    isAscii ? all.substring(from - first, to - first) : bytes.toString('utf8', from, to);
  for (let row = 0; row < count; row += 1) {
    const index = start + row;
    vector.setItem(row, isPresent(data, index) ? textAt(offsets[index] ?? 0, offsets[index + 1] ?? 0) : null);
  }
  vector.flush();
}

function fillLists({ data, vector, start, count }: Slice): void {
  const { valueOffsets: offsets } = data;
  const items = data.children[0];
  for (let row = 0; row < count; row += 1) {
    const index = start + row;
    const list = items && isPresent(data, index) ? itemsOf(items, offsets[index] ?? 0, offsets[index + 1] ?? 0) : null;
    vector.setItem(row, list && new DuckDBListValue(list));
  }
  vector.flush();
}

function itemsOf(items: Data, from: number, to: number): (number | null)[] {
  const list: (number | null)[] = [];
  for (let index = from; index < to; index += 1) list.push(isPresent(items, index) ? (items.values[index] ?? 0) : null);
  return list;
}
