import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DuckDBConnection, DuckDBPreparedStatement } from '@duckdb/node-api';
import { AssayError, messageOf } from '../../core/errors.ts';
import { openDatabase, sqlFile, sqlText } from '../duckdb.ts';
import { mistakeIn } from './query-mistake.ts';
import type { Query } from './query-mistake.ts';
import { cellOf, columnOf } from './query-value.ts';
import type { AnswerColumn, Cell } from './query-value.ts';
import { makeViews } from './query-views.ts';
import type { ViewSource } from './query-views.ts';

/** What a query answers. */
export interface Answer {
  /** No two have the same name. */
  readonly columns: readonly AnswerColumn[];
  /** The rows, some at a time. */
  readonly batches: AsyncIterable<readonly (readonly Cell[])[]>;
}

/**
 * Asks stored runs in SQL, over the views `runs`, `verdicts`, `samples` and `trajectory`. The query can neither change
 * anything, nor read another file, nor reach the network. The answer can be read for as long as `use` runs.
 *
 * @throws AssayError USAGE for a mistake in the query, EVIDENCE_DAMAGED when a file of a run cannot be read.
 */
export async function queryRuns<Result>(
  query: Query,
  source: ViewSource,
  use: (answer: Answer) => Promise<Result>,
): Promise<Result> {
  // One of its own: nothing can be unlocked again.
  const instance = await openDatabase({ temp_directory: join(tmpdir(), `assay-query-${process.pid}`) });
  const connection = await instance.connect();
  try {
    const attempt = attemptsOn(connection, query);
    const files = await attempt(makeViews(connection, query.sql, source));
    await lock(connection, files);
    const statement = await attempt(prepare(connection, query));
    const result = await attempt(statement.stream());
    const names = result.deduplicatedColumnNames();
    const columns = names.map((name, index) => columnOf(name, result.columnType(index)));
    const batches = async function* (): AsyncGenerator<readonly (readonly Cell[])[]> {
      for (let chunk = await attempt(result.fetchChunk()); (chunk?.rowCount ?? 0) > 0;) {
        yield (chunk?.getRows() ?? []).map((row) => row.map(cellOf));
        chunk = await attempt(result.fetchChunk());
      }
    };
    return await use({ columns, batches: batches() });
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/** Turns what DuckDB complains of into known errors; those that are known already stay as they are. */
function attemptsOn(connection: DuckDBConnection, query: Query): <Result>(work: Promise<Result>) => Promise<Result> {
  return async (work) => {
    try {
      return await work;
    } catch (thrown) {
      if (thrown instanceof AssayError || !/ Error: /.test(messageOf(thrown))) throw thrown;
      throw mistakeIn(query, messageOf(thrown), await columnsOf(connection));
    }
  };
}

async function columnsOf(connection: DuckDBConnection): Promise<readonly string[]> {
  const names = await connection.run('SELECT DISTINCT column_name FROM duckdb_columns() WHERE NOT internal');
  return (await names.getRowsJS()).flatMap(([name]) => (typeof name === 'string' ? [name] : []));
}

/** From here on only these files can be read, and nothing can be written but what does not fit into memory. */
async function lock(connection: DuckDBConnection, files: readonly string[]): Promise<void> {
  // The pattern is asked for first, then the file that it stands for.
  const allowed = [...new Set(files.flatMap((file) => [sqlText(file), sqlFile(file)]))];
  await connection.run(`SET TimeZone = 'UTC'`);
  await connection.run(`SET allowed_paths = [${allowed.join(', ')}]`);
  await connection.run('SET enable_external_access = false');
  await connection.run('SET lock_configuration = true');
}

async function prepare(connection: DuckDBConnection, { sql, name }: Query): Promise<DuckDBPreparedStatement> {
  const { StatementType } = await import('@duckdb/node-api');
  if (isEmpty(sql)) throw refused(name, 'there is no query', "write one in quotes: assay query 'SELECT * FROM runs'");
  const statements = await connection.extractStatements(sql);
  if (statements.count !== 1) {
    const hint = /\bpivot\b/i.test(sql) ? "name its values: PIVOT ... ON column IN ('a', 'b')" : 'write one at a time';
    throw refused(name, `there are ${statements.count} statements`, hint);
  }
  const statement = await statements.prepare(0);
  if (statement.statementType === StatementType.SELECT) return statement;
  const type = StatementType[statement.statementType];
  throw refused(name, `this is a statement of kind ${type}`, 'write SELECT, WITH, SUMMARIZE, DESCRIBE or SHOW');
}

function isEmpty(sql: string): boolean {
  return sql.replaceAll(/--.*|\/\*[^]*?\*\/|[;\s]/g, '') === '';
}

function refused(name: string, what: string, hint: string): AssayError {
  return new AssayError('USAGE', `${name}: ${what}`, { hint });
}
