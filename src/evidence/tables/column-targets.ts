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
  return doubles(`coalesce(${value}, 'NaN'::DOUBLE)`, new Float64Array(file.rows));
}

/** A boolean column; 1 for true. */
export function flagTarget(file: ParquetScan, name: string): ColumnTarget<Uint8Array> {
  return doubles(`coalesce(${sqlName(name)}, false)::DOUBLE`, new Uint8Array(file.rows));
}

/** A text with few distinct values: that of row `i` is `names[values[i]]`. */
export interface LabelTarget extends ColumnTarget<Int32Array> {
  readonly names: readonly string[];
}

/** An expression of type text, encoded by its distinct values. */
export async function labelTarget(file: ParquetScan, expression: string): Promise<LabelTarget> {
  const { values, type } = await file.distinct(expression);
  return { names: values, ...doubles(`enum_code((${expression})::${type})::DOUBLE`, new Int32Array(file.rows)) };
}

function doubles<Values extends Float64Array | Int32Array | Uint8Array>(
  sql: string,
  values: Values,
): ColumnTarget<Values> {
  return {
    sql,
    values,
    take(vector, start, count) {
      for (let row = 0; row < count; row += 1) values[start + row] = Number(vector.getItem(row));
    },
  };
}

/** A column of lists of numbers; NaN for a null in a list. */
export async function listTarget(
  file: ParquetScan,
  name: string,
): Promise<ColumnTarget<NonNullable<SampleColumns['itls']>>> {
  const [total] = await file.texts(`coalesce(sum(len(${sqlName(name)})), 0)`);
  const values = new Float64Array(Number(total));
  const offsets = new Int32Array(file.rows + 1);
  let end = 0;
  return {
    sql: `coalesce(${sqlName(name)}, [])`,
    values: { offsets, values },
    take(vector, start, count) {
      const lists = vector as DuckDBListVector;
      const items = lists.childVector;
      for (let row = 0; row < count; row += 1) {
        const from = lists.getEntryOffset(row);
        const length = lists.getEntryLength(row);
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

/** Rows of one packed text: few enough for short strings, many enough for few of them. */
const PACK_ROWS = 65_536;
const SEPARATOR = '\0';

/**
 * A column of many different texts. They come packed, since one call per text is
 * what reading them costs, and are unpacked when they are first asked for.
 */
export async function readTexts(file: ParquetScan, name: string): Promise<() => readonly string[]> {
  const text = `replace(coalesce(${sqlName(name)}, ''), chr(0), '\uFFFD')`;
  const packs = await file.texts(
    `string_agg(${text}, chr(0) ORDER BY file_row_number)`,
    `GROUP BY file_row_number // ${PACK_ROWS} ORDER BY file_row_number // ${PACK_ROWS}`,
  );
  let texts: readonly string[] | null = null;
  return () => {
    texts ??= packs.flatMap((pack) => pack.split(SEPARATOR));
    return texts;
  };
}
