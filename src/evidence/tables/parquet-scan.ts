import { existsSync } from 'node:fs';
import type { DuckDBConnection, DuckDBVector, JS } from '@duckdb/node-api';
import { AssayError, messageOf } from '../../core/errors.ts';
import { loadEngine, sqlFile } from '../duckdb.ts';

/** An expression over the columns of a file, and what takes its values. */
export interface Target {
  readonly sql: string;
  /** Takes the next `count` values: those of the rows from number `start` on. */
  take(vector: DuckDBVector, start: number, count: number): void;
}

/** An open Parquet file. */
export interface ParquetScan {
  readonly rows: number;
  /** The SQL type of every column, by its name. */
  readonly types: ReadonlyMap<string, string>;
  /** The values of one expression, as text, over the file and its `file_row_number`; `rest` may group and order. */
  texts(expression: string, rest?: string): Promise<readonly string[]>;
  /** The distinct values of an expression, and the SQL type ENUM that lists them in this order. */
  distinct(expression: string): Promise<{ readonly type: string; readonly values: readonly string[] }>;
  /** Reads all targets in one pass, in the order of the rows. */
  read(targets: readonly Target[]): Promise<void>;
}

/**
 * Opens a Parquet file for as long as `use` runs.
 *
 * @throws AssayError EVIDENCE_MISSING without the file, EVIDENCE_DAMAGED when it is no Parquet file with these columns.
 */
export async function scanParquet<Result>(
  path: string,
  required: readonly string[],
  use: (file: ParquetScan) => Promise<Result>,
): Promise<Result> {
  if (!existsSync(path)) {
    throw new AssayError('EVIDENCE_MISSING', `There is no ${path}.`, {
      hint: 'the run was not parsed, or the file was deleted; re-parse the run from its logs',
    });
  }
  const engine = await loadEngine();
  const connection = await engine.connect();
  try {
    const file = await openScan(connection, path);
    const missing = required.filter((name) => !file.types.has(name));
    if (missing.length > 0) throw damaged(path, `it has no column ${missing.join(', ')}`);
    return await use(file);
  } finally {
    connection.closeSync();
  }
}

async function openScan(connection: DuckDBConnection, path: string): Promise<ParquetScan> {
  const source = `read_parquet(${sqlFile(path)}, file_row_number = true)`;
  const attempt = async <Result>(work: Promise<Result>): Promise<Result> => {
    try {
      return await work;
    } catch (cause) {
      throw damaged(path, messageOf(cause), cause);
    }
  };
  const run = (sql: string) => attempt(connection.run(sql).then((result) => result.getRowsJS()));
  // The first character is there for the binding, which swallows a byte order mark at the start of a text.
  const texts = async (expression: string, from: string) => {
    const rows = await run(`SELECT '.' || (${expression})::VARCHAR FROM ${from}`);
    return rows.map(([text]) => asText(text).slice(1));
  };

  const types = await attempt(columnTypes(connection, `SELECT * EXCLUDE file_row_number FROM ${source}`));
  const [count] = await texts('count(*)', source);
  let labels = 0;
  return {
    rows: Number(count),
    types,
    texts: (expression, rest = '') => texts(expression, `${source} ${rest}`),
    async distinct(expression) {
      labels += 1;
      const type = `label_${labels}`;
      await run(`CREATE TEMP TYPE ${type} AS ENUM (SELECT DISTINCT ${expression} FROM ${source} ORDER BY 1)`);
      return { type, values: await texts('unnest', `unnest(enum_range(NULL::${type}))`) };
    },
    read: (targets) =>
      attempt(stream(connection, `SELECT ${targets.map(({ sql }) => sql).join(', ')} FROM ${source}`, targets)),
  };
}

/** The SQL types of the columns of a query, which is not run. */
async function columnTypes(connection: DuckDBConnection, select: string): Promise<ReadonlyMap<string, string>> {
  const query = await connection.prepare(select);
  try {
    return new Map(
      Array.from({ length: query.columnCount }, (_, index) => [
        query.columnName(index),
        query.columnType(index).toString(),
      ]),
    );
  } finally {
    query.destroySync();
  }
}

function asText(value: JS | undefined): string {
  return typeof value === 'string' ? value : '';
}

async function stream(connection: DuckDBConnection, sql: string, targets: readonly Target[]): Promise<void> {
  let start = 0;
  for await (const chunk of await connection.stream(sql)) {
    const count = chunk.rowCount;
    for (const [index, target] of targets.entries()) target.take(chunk.getColumnVector(index), start, count);
    start += count;
  }
}

function damaged(path: string, reason: string, cause?: unknown): AssayError {
  return new AssayError('EVIDENCE_DAMAGED', `${path} cannot be read: ${reason}.`, {
    hint: 'restore the file, or re-parse the run from its logs',
    cause,
  });
}
