import type { Column, ColumnOf, ColumnType } from './column-schema.ts';

/** The values of one column of a batch in the layout of Arrow, as views on a buffer that will be reused. */
export interface ColumnData {
  readonly type: ColumnType;
  /** One bit per row: whether there is a value. */
  readonly validity: Uint8Array;
  /** One number per row, one bit per row, or the bytes of all texts together. */
  readonly values?: Uint8Array | Float64Array | Int32Array | BigInt64Array;
  /** Where the text or the list of each row begins, and where the last one ends. */
  readonly offsets?: Int32Array;
  /** The items of all lists together. */
  readonly items?: { readonly values: Float64Array; readonly validity: Uint8Array };
}

/** The rows of one column while a batch fills up. */
export interface ColumnBuffer<Row> {
  /** Takes the column's value of `row` as number `index` of the batch; throws a TypeError where the column cannot hold it. */
  put(row: Row, index: number): void;
  /** The first `rows` values; valid until the next `put`. */
  data(rows: number): ColumnData;
}

/** The buffer of one column for batches of at most `capacity` rows. */
export function columnBuffer<Row>(column: Column<Row>, capacity: number): ColumnBuffer<Row> {
  switch (column.type) {
    case 'VARCHAR':
      return textBuffer(column, capacity);
    case 'BOOLEAN':
      return booleanBuffer(column, capacity);
    case 'DOUBLE[]':
      return listBuffer(column, capacity);
    case 'DOUBLE':
    case 'INTEGER':
    case 'BIGINT':
    case 'TIMESTAMP':
      return numberBuffer(column, capacity);
  }
}

class Bitmap {
  #bits: Uint8Array;

  constructor(capacity: number) {
    this.#bits = new Uint8Array(Math.ceil(capacity / 8));
  }

  put(index: number, isSet: boolean): void {
    const byte = index >> 3;
    if (byte >= this.#bits.length) this.#bits = grown(this.#bits, byte + 1);
    const mask = 1 << (index & 7);
    const bits = this.#bits[byte] ?? 0;
    this.#bits[byte] = isSet ? bits | mask : bits & ~mask;
  }

  view(count: number): Uint8Array {
    return this.#bits.subarray(0, Math.ceil(count / 8));
  }
}

function grown<Values extends Uint8Array | Float64Array>(values: Values, needed: number): Values {
  const Constructor = values.constructor as new (length: number) => Values;
  const larger = new Constructor(Math.max(needed, values.length * 2));
  larger.set(values);
  return larger;
}

function refuse(column: Column<never>, value: unknown, expected: string): never {
  throw new TypeError(`Column ${column.name} takes ${expected}, got ${String(value)}.`);
}

/** Whether there is a value to store; a column that must have one throws without. */
function isPresent<Row>(column: Column<Row>, value: unknown): boolean {
  const isMissing = value === null || value === undefined || (typeof value === 'number' && !Number.isFinite(value));
  if (isMissing && !column.nullable) refuse(column, value, 'a value in every row');
  return !isMissing;
}

type NumberType = 'DOUBLE' | 'INTEGER' | 'BIGINT' | 'TIMESTAMP';
type NumberColumn<Row> = { [Type in NumberType]: ColumnOf<Row, Type> }[NumberType];

interface NumberStore {
  readonly values: Float64Array | Int32Array | BigInt64Array;
  readonly expected: string;
  /** False where the store cannot hold the value. */
  set(index: number, value: number): boolean;
}

const numberStores: Readonly<Record<NumberType, (capacity: number) => NumberStore>> = {
  DOUBLE(capacity) {
    const values = new Float64Array(capacity);
    return {
      values,
      expected: 'a number',
      set(index, value) {
        values[index] = value;
        return true;
      },
    };
  },
  INTEGER(capacity) {
    const values = new Int32Array(capacity);
    return {
      values,
      expected: 'a whole number of 32 bits',
      set(index, value) {
        values[index] = value;
        return values[index] === value;
      },
    };
  },
  BIGINT: (capacity) => longs(capacity, { expected: 'a whole number of at most 2^53', perUnit: 1 }),
  TIMESTAMP: (capacity) => longs(capacity, { expected: 'milliseconds since the Unix epoch', perUnit: 1000 }),
};

function longs(
  capacity: number,
  { expected, perUnit }: { readonly expected: string; readonly perUnit: 1 | 1000 },
): NumberStore {
  const values = new BigInt64Array(capacity);
  return {
    values,
    expected,
    set(index, value) {
      const whole = perUnit === 1 ? value : Math.round(value * perUnit);
      if (!Number.isSafeInteger(whole)) return false;
      values[index] = BigInt(whole);
      return true;
    },
  };
}

function numberBuffer<Row>(column: NumberColumn<Row>, capacity: number): ColumnBuffer<Row> {
  const valid = new Bitmap(capacity);
  const store = numberStores[column.type](capacity);
  return {
    put(row, index) {
      const value = column.of(row);
      const hasValue = isPresent(column, value);
      valid.put(index, hasValue);
      if (!store.set(index, hasValue ? Number(value) : 0)) refuse(column, value, store.expected);
    },
    data: (rows) => ({ type: column.type, validity: valid.view(rows), values: store.values.subarray(0, rows) }),
  };
}

function booleanBuffer<Row>(column: ColumnOf<Row, 'BOOLEAN'>, capacity: number): ColumnBuffer<Row> {
  const valid = new Bitmap(capacity);
  const values = new Bitmap(capacity);
  return {
    put(row, index) {
      const value = column.of(row);
      valid.put(index, isPresent(column, value));
      values.put(index, value === true);
    },
    data: (rows) => ({ type: column.type, validity: valid.view(rows), values: values.view(rows) }),
  };
}

/** A UTF-16 code unit takes at most this many bytes of UTF-8. */
const MAX_BYTES_PER_UNIT = 3;
const EXPECTED_TEXT_BYTES = 24;

function textBuffer<Row>(column: ColumnOf<Row, 'VARCHAR'>, capacity: number): ColumnBuffer<Row> {
  const valid = new Bitmap(capacity);
  const offsets = new Int32Array(capacity + 1);
  let bytes = Buffer.alloc(capacity * EXPECTED_TEXT_BYTES);
  return {
    put(row, index) {
      const value = column.of(row);
      valid.put(index, isPresent(column, value));
      const text = value ?? '';
      const start = offsets[index] ?? 0;
      const needed = start + text.length * MAX_BYTES_PER_UNIT;
      if (needed > bytes.length) bytes = Buffer.concat([bytes], Math.max(needed, bytes.length * 2));
      offsets[index + 1] = start + bytes.write(text, start);
    },
    data: (rows) => ({
      type: column.type,
      validity: valid.view(rows),
      offsets: offsets.subarray(0, rows + 1),
      values: bytes.subarray(0, offsets[rows]),
    }),
  };
}

function listBuffer<Row>(column: ColumnOf<Row, 'DOUBLE[]'>, capacity: number): ColumnBuffer<Row> {
  const valid = new Bitmap(capacity);
  const itemValid = new Bitmap(capacity);
  const offsets = new Int32Array(capacity + 1);
  let items = new Float64Array(capacity);
  return {
    put(row, index) {
      const value = column.of(row);
      valid.put(index, isPresent(column, value));
      const list = value ?? [];
      let end = offsets[index] ?? 0;
      if (end + list.length > items.length) items = grown(items, end + list.length);
      for (const item of list) {
        const isFinite = Number.isFinite(item);
        itemValid.put(end, isFinite);
        items[end] = isFinite ? item : 0;
        end += 1;
      }
      offsets[index + 1] = end;
    },
    data(rows) {
      const itemCount = offsets[rows] ?? 0;
      return {
        type: column.type,
        validity: valid.view(rows),
        offsets: offsets.subarray(0, rows + 1),
        items: { values: items.subarray(0, itemCount), validity: itemValid.view(itemCount) },
      };
    },
  };
}
