import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';

/** The most rows that DuckDB takes or gives in one chunk. */
export const CHUNK_ROWS = 2048;

/** DuckDB in this process: one in-memory database, no network. */
export interface Engine {
  readonly version: string;
  /** A connection of the caller's own; close it after use. */
  connect(): Promise<DuckDBConnection>;
}

let engine: Promise<Engine> | null = null;

/** The engine of this process, loaded when it is first asked for (0.2 s). */
export function loadEngine(): Promise<Engine> {
  engine ??= startEngine();
  return engine;
}

async function startEngine(): Promise<Engine> {
  const { version } = await import('@duckdb/node-api');
  const instance = await openDatabase();
  return { version: version(), connect: () => instance.connect() };
}

/** An empty database in memory that never loads an extension; close it after use. */
export async function openDatabase(settings: Readonly<Record<string, string>> = {}): Promise<DuckDBInstance> {
  const { DuckDBInstance } = await import('@duckdb/node-api');
  return DuckDBInstance.create(':memory:', {
    threads: '2',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    allow_community_extensions: 'false',
    ...settings,
  });
}

/** A text as a literal of SQL. */
export function sqlText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** One file as the literal for read_parquet, which would take `*`, `?` and `[` in its path for a pattern. */
export function sqlFile(path: string): string {
  return sqlText(path.replaceAll(/[*?[]/g, '[$&]'));
}

/** A name as an identifier of SQL. */
export function sqlName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
