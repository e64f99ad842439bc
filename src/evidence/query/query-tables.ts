import type { DuckDBConnection, DuckDBType } from '@duckdb/node-api';
import { CHUNK_ROWS, sqlName } from '../duckdb.ts';
import { factColumns, withValue } from '../export/export-columns.ts';
import type { StagedType } from '../export/export-columns.ts';
import type { Fact, FactType, FactValue } from '../store/fact.ts';

/** Flat rows and the type of every column, in order. */
interface Table {
  readonly columns: ReadonlyMap<string, FactType>;
  readonly rows: readonly Fact[];
}

/** Facts as a table, with the columns of a fact file. */
export function factTable(rows: readonly Fact[]): Table {
  const types = new Map<string, StagedType>();
  for (const row of rows) {
    for (const [name, value] of Object.entries(row)) types.set(name, withValue(name, types.get(name) ?? null, value));
  }
  const columns = factColumns(types, new Map());
  return { columns: new Map(columns.map(({ name, type }) => [name, type])), rows };
}

/** Makes a table of the database from flat rows. */
export async function loadTable(connection: DuckDBConnection, name: string, table: Table): Promise<void> {
  const { DuckDBDataChunk, VARCHAR, DOUBLE, BOOLEAN } = await import('@duckdb/node-api');
  const carriers: Readonly<Record<FactType, DuckDBType>> = { VARCHAR, DOUBLE, BOOLEAN, TIMESTAMP: VARCHAR };
  const columns = [...table.columns].map(([column, type]) => ({ column, type, carrier: carriers[type] }));
  const staging = `${name}_staging`;
  await connection.run(
    `CREATE TEMP TABLE ${staging} (${columns.map(({ column, carrier }) => `${sqlName(column)} ${carrier.toString()}`).join(', ')})`,
  );
  const appender = await connection.createAppender(staging, null, 'temp');
  for (let start = 0; start < table.rows.length; start += CHUNK_ROWS) {
    const rows = table.rows.slice(start, start + CHUNK_ROWS);
    const chunk = DuckDBDataChunk.create(columns.map(({ carrier }) => carrier));
    chunk.setColumns(columns.map(({ column, type }) => rows.map((row) => carried(row[column] ?? null, type))));
    appender.appendDataChunk(chunk);
  }
  appender.closeSync();
  const restored = columns.map(({ column, type }) =>
    type === 'TIMESTAMP' ? `TRY_CAST(${sqlName(column)} AS TIMESTAMP) AS ${sqlName(column)}` : sqlName(column),
  );
  await connection.run(`CREATE TABLE ${name} AS SELECT ${restored.join(', ')} FROM ${staging}`);
  await connection.run(`DROP TABLE ${staging}`);
}

function carried(value: FactValue, type: FactType): FactValue {
  if (value === null || typeof value === 'string') return value;
  return type === 'VARCHAR' || type === 'TIMESTAMP' ? String(value) : value;
}
