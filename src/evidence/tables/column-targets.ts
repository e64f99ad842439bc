import type { DuckDBListVector } from '@duckdb/node-api';
import { sqlName } from '../duckdb.ts';
import type { ParquetScan, Target } from './parquet-scan.ts';
import type { SampleColumns } from './tables.ts';

/** A target that keeps what it takes. */
export interface ColumnTarget<Values> extends Target {
  readonly values: Values;
}

/** Whether `numberTarget` can read columns of this SQL type. */
export function isNumeric(type: string | undefined): boolean {
  return type === 'DOUBLE' || type === 'INTEGER' || type === 'BIGINT' || type === 'TIMESTAMP';
}

/** A numeric column; NaN for null, a timestamp in milliseconds since the Unix epoch. */
export function numberTarget(file: ParquetScan, name: string): ColumnTarget<Float64Array> {
  const column = sqlName(name);
  const value = file.types.get(name) === 'TIMESTAMP' ? `epoch_us(${column})::DOUBLE / 1000` : `${column}::DOUBLE`;
  return doubles(value, new Float64Array(file.rows));
}

/** A boolean column; 1 for true, 0 for null. */
export function flagTarget(file: ParquetScan, name: string): ColumnTarget<Uint8Array> {
  return doubles(`${sqlName(name)}::DOUBLE`, new Uint8Array(file.rows));
}

/** A text with few distinct values: that of row `i` is `names[values[i]]`. */
export interface LabelTarget extends ColumnTarget<Int32Array> {
  readonly names: readonly string[];
}

/** An expression of type text, encoded by its distinct values; its `names` are there once the file is read. */
export async function labelTarget(file: ParquetScan, expression: string): Promise<LabelTarget> {
  const label = `coalesce(${expression}, '')`;
  if (isSmall(file)) return fewLabels(file, label);
  const { values, type } = await file.distinct(label);
  return { names: values, ...doubles(`enum_code((${label})::${type})::DOUBLE`, new Int32Array(file.rows)) };
}

// In a small file, to start another query costs more than to read all its texts one by one.
const FEW_ROWS = 8192;

function isSmall(file: ParquetScan): boolean {
  return file.rows <= FEW_ROWS;
}

function fewLabels(file: ParquetScan, label: string): LabelTarget {
  const names: string[] = [];
  const codes = new Map<string, number>();
  const values = new Int32Array(file.rows);
  const codeOf = (name: string): number => {
    const code = codes.get(name) ?? names.length;
    if (code === names.length) names.push(name);
    codes.set(name, code);
    return code;
  };
  const target = textTarget(label, (name, row) => {
    values[row] = codeOf(name);
  });
  return { ...target, names, values };
}

// The first character is there for the binding, which swallows a byte order mark at the start of a text.
function textTarget(expression: string, take: (text: string, row: number) => void): Target {
  return {
    sql: `'.' || ${expression}`,
    take(vector, start, count) {
      for (let row = 0; row < count; row += 1) take(String(vector.getItem(row)).slice(1), start + row);
    },
  };
}

function doubles<Values extends Float64Array | Int32Array | Uint8Array>(
  sql: string,
  values: Values,
): ColumnTarget<Values> {
  return {
    sql,
    values,
    take(vector, start, count) {
      for (let row = 0; row < count; row += 1) values[start + row] = Number(vector.getItem(row) ?? NaN);
    },
  };
}

/** A column of lists of numbers; NaN for a null in a list. */
export async function listTarget(
  file: ParquetScan,
  name: string,
): Promise<ColumnTarget<NonNullable<SampleColumns['itls']>>> {
  const column = sqlName(name);
  // What is known beforehand need not be moved to a larger place.
  const [total] = isSmall(file) ? [file.rows] : await file.texts(`coalesce(sum(len(${column})), 0)`);
  let values = new Float64Array(Number(total));
  const offsets = new Int32Array(file.rows + 1);
  let end = 0;
  return {
    sql: `coalesce(${column}, [])`,
    get values() {
      return { offsets, values: values.subarray(0, end) };
    },
    take(vector, start, count) {
      const lists = vector as DuckDBListVector;
      const items = lists.childVector;
      for (let row = 0; row < count; row += 1) {
        const from = lists.getEntryOffset(row);
        const length = lists.getEntryLength(row);
        values = withRoom(values, end + length);
        for (let item = from; item < from + length; item += 1) {
          const value = items.getItem(item);
          values[end] = value === null ? NaN : Number(value);
          end += 1;
        }
        offsets[start + row + 1] = end;
      }
    },
  };
}

function withRoom(values: Float64Array<ArrayBuffer>, length: number): Float64Array<ArrayBuffer> {
  if (length <= values.length) return values;
  const larger = new Float64Array(2 * length);
  larger.set(values);
  return larger;
}

/** Rows of one packed text: few enough to get at one of them, many enough for few packs. */
const PACK_ROWS = 2048;
const SEPARATOR = '\0';

/** A column of many different texts, to be read after `target` was, if there is one. */
export interface Texts {
  readonly target: Target | null;
  texts(): readonly string[];
  /** The text of one row; undefined where there is no such row. */
  textAt(row: number): string | undefined;
}

/**
 * A column of many different texts. Those of a large file come packed, since one call per text is
 * what reading them costs, and are unpacked when they are first asked for.
 */
export async function readTexts(file: ParquetScan, name: string): Promise<Texts> {
  const text = `replace(coalesce(${sqlName(name)}, ''), chr(0), '\uFFFD')`;
  if (isSmall(file)) {
    const texts: string[] = [];
    const target = textTarget(text, (one) => texts.push(one));
    return { target, texts: () => texts, textAt: (row) => texts[row] };
  }
  const packs = await file.texts(
    `string_agg(${text}, chr(0) ORDER BY file_row_number)`,
    `GROUP BY file_row_number // ${PACK_ROWS} ORDER BY file_row_number // ${PACK_ROWS}`,
  );
  let texts: readonly string[] | null = null;
  return {
    target: null,
    texts() {
      texts ??= packs.flatMap((pack) => pack.split(SEPARATOR));
      return texts;
    },
    textAt: (row) => packs[Math.floor(row / PACK_ROWS)]?.split(SEPARATOR)[row % PACK_ROWS],
  };
}
