import { existsSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { AssayError, messageOf, sentenceOf } from '../../core/errors.ts';
import { draftOf, syncFolder } from '../atomic-file.ts';
import { sqlFile, sqlName, sqlText } from '../duckdb.ts';
import { factColumns } from './export-columns.ts';
import type { Staging } from './export-staging.ts';
import type { FactType } from '../store/fact.ts';

/** Raised when a column of the fact table is renamed, retyped or removed; a new column does not raise it. */
const SCHEMA_VERSION = '1';

/** A row group is in memory as a whole while it is written. */
const ROW_GROUP_ROWS = 4096;

/** More than a row takes; DuckDB reads two of them at a time, per thread. */
const LINE_BYTES = 2 ** 22;

/** What a row of a fact file was made from. */
export interface Source {
  readonly path: string;
  readonly stamp: string;
}

/**
 * What the rows of fact files were made from, by run id.
 *
 * @throws AssayError USAGE for a file that is no fact table of this version.
 */
export async function sourcesIn(
  connection: DuckDBConnection,
  files: readonly string[],
): Promise<ReadonlyMap<string, Source>> {
  const sources = new Map<string, Source>();
  for (const file of files) {
    await checkFactFile(connection, file);
    const row = "[coalesce(run_id, ''), coalesce(path, ''), coalesce(manifest_stamp, '')]";
    const rows = `read_parquet(${sqlFile(file)}, hive_partitioning = false, file_row_number = true)`;
    const select = `SELECT to_json(list(${row}))::VARCHAR FROM ${rows} GROUP BY file_row_number // ${ROW_GROUP_ROWS}`;
    // Many rows in one text: one by one, they take longer than all else that an export of few new runs does.
    for (const [pack = '[]'] of await textsOf(connection, select)) {
      for (const [runId, path, stamp] of JSON.parse(pack) as [string, string, string][]) {
        sources.set(runId, { path, stamp });
      }
    }
  }
  return sources;
}

/**
 * Writes staged rows into a fact file, in place of those of the same runs; with `keep` the other rows of the file
 * stay. All rows are in order of their run. Readers see the old file or the new one. Answers the number of columns.
 *
 * @throws AssayError EVIDENCE_UNWRITABLE when the file cannot be written: the old one is still there.
 */
export async function writeFactFile(
  connection: DuckDBConnection,
  file: string,
  { staging, keep }: { readonly staging: Staging; readonly keep: boolean },
): Promise<number> {
  const stored = keep && existsSync(file) ? await columnsOf(connection, file) : null;
  const columns = factColumns(staging.columns, stored ?? new Map());
  const source = stagedRows(staging);
  const staged = `SELECT ${columns.map(({ name, fromStaged }) => `${fromStaged} AS ${sqlName(name)}`).join(', ')} FROM ${source}`;
  const kept = `SELECT ${columns.map(({ fromStored }) => fromStored).join(', ')} FROM ${factRows(file)}`;
  // Staged rows come in order.
  const rows =
    stored === null
      ? staged
      : `${staged} UNION ALL ${kept} WHERE run_id NOT IN (SELECT run_id FROM ${source}) ORDER BY run_id`;
  const draft = draftOf(file);
  try {
    await connection.run(`COPY (${rows}) TO ${sqlText(draft)} (${await copyOptions(connection)})`);
    await makeDurable(draft);
    await rename(draft, file);
    syncFolder(dirname(file));
  } catch (cause) {
    throw new AssayError('EVIDENCE_UNWRITABLE', `${file} cannot be written: ${sentenceOf(cause)}`, { cause });
  } finally {
    await rm(draft, { force: true });
  }
  return columns.length;
}

// The name of its folder is none of its columns.
function factRows(file: string): string {
  return `read_parquet(${sqlFile(file)}, hive_partitioning = false)`;
}

function stagedRows({ path, columns }: Staging): string {
  const types = [...columns].map(([name, type]) => `${sqlName(name)}: ${sqlText(type ?? 'VARCHAR')}`);
  const options = `format = 'newline_delimited', maximum_object_size = ${LINE_BYTES}`;
  return `read_json(${sqlFile(path)}, ${options}, columns = {${types.join(', ')}})`;
}

async function columnsOf(connection: DuckDBConnection, file: string): Promise<ReadonlyMap<string, FactType>> {
  const rows = await textsOf(connection, `DESCRIBE SELECT * FROM ${factRows(file)}`);
  return new Map(rows.map(([name = '', type]) => [name, type as FactType]));
}

async function checkFactFile(connection: DuckDBConnection, file: string): Promise<void> {
  const metadata = new Map<string, string>();
  try {
    const select = `SELECT decode(key), decode(value) FROM parquet_kv_metadata(${sqlFile(file)})`;
    for (const [key = '', value = ''] of await textsOf(connection, select)) metadata.set(key, value);
  } catch (cause) {
    throw noFactFile(`${file} is no Parquet file: ${messageOf(cause)}`);
  }
  if (metadata.get('assay.table') !== 'fact') throw noFactFile(`${file} was not made by assay export`);
  const version = metadata.get('assay.schema_version') ?? '';
  if (version === SCHEMA_VERSION) return;
  throw noFactFile(`${file} has schema version ${version}, this version writes ${SCHEMA_VERSION}`);
}

function noFactFile(message: string): AssayError {
  return new AssayError('USAGE', message, { hint: 'write to another place with -o, or replace it with --full' });
}

async function copyOptions(connection: DuckDBConnection): Promise<string> {
  const [[version = ''] = []] = await textsOf(connection, 'SELECT version()');
  const metadata = {
    'assay.table': 'fact',
    'assay.schema_version': SCHEMA_VERSION,
    'assay.writer': `duckdb ${version}`,
  };
  const pairs = Object.entries(metadata).map(([key, value]) => `${sqlText(key)}: ${sqlText(value)}`);
  return [
    'FORMAT parquet',
    'COMPRESSION zstd',
    `ROW_GROUP_SIZE ${ROW_GROUP_ROWS}`,
    'USE_TMP_FILE false',
    `KV_METADATA {${pairs.join(', ')}}`,
  ].join(', ');
}

/** The rows of a query whose columns are texts; null is empty. */
async function textsOf(connection: DuckDBConnection, sql: string): Promise<readonly (readonly string[])[]> {
  const rows = await (await connection.run(sql)).getRowsJS();
  return rows.map((row) => row.map((value) => (typeof value === 'string' ? value : '')));
}

async function makeDurable(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
