import { open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { hashOfFile } from '../../core/hash.ts';
import type { Sha256 } from '../../core/hash.ts';
import { draftOf, syncFolder } from '../atomic-file.ts';
import type { BatchFeed } from './batch-feed.ts';
import type { TableSchema } from './column-schema.ts';
import { CHUNK_ROWS, loadEngine, sqlText } from '../duckdb.ts';

/** A row group is in memory as a whole while it is written: it is kept to so many rows, and fewer where rows are long. */
const ROW_GROUP_ROWS = 40_960;
const ROW_GROUP_BYTES = 16 * 2 ** 20;

/** What became of a live stream. */
export interface ParquetFile {
  readonly rows: number;
  readonly bytes: number;
  readonly sha256: Sha256;
  /** Bytes of the stream without a whole batch: 0 unless its writer died or the file was damaged. */
  readonly droppedBytes: number;
}

/**
 * Turns a live stream into the zstd Parquet file of its table, in bounded memory
 * and atomically. The file's metadata says `assay.table`, `assay.schema_version`
 * and `assay.writer`; the same stream gives the same bytes.
 *
 * @throws AssayError EVIDENCE_MISSING or EVIDENCE_DAMAGED about the stream.
 */
export async function writeParquet(streamPath: string, path: string, table: TableSchema<never>): Promise<ParquetFile> {
  // Arrow and DuckDB take 0.2 s each to load: only a process that has rows to convert pays for it.
  const [{ openFeed }, { withFeed }] = await Promise.all([import('./batch-feed.ts'), import('./feed-function.ts')]);
  const engine = await loadEngine();
  const feed = openFeed(streamPath, table);
  const temporary = draftOf(path);
  const connection = await engine.connect();
  try {
    await withFeed(connection, feed, async (select) => {
      await connection.run(`COPY (${select}) TO ${sqlText(temporary)} (${copyOptions(feed, engine.version)})`);
    });
    await makeDurable(temporary);
    const [sha256, { size }] = await Promise.all([hashOfFile(temporary), stat(temporary)]);
    await rename(temporary, path);
    syncFolder(dirname(path));
    return { rows: feed.rows, bytes: size, sha256, droppedBytes: feed.droppedBytes };
  } finally {
    feed.close();
    connection.closeSync();
    await rm(temporary, { force: true });
  }
}

function copyOptions({ table, bytesPerRow }: BatchFeed, writerVersion: string): string {
  const metadata = {
    'assay.table': table.name,
    'assay.schema_version': table.version,
    'assay.writer': `duckdb ${writerVersion}`,
  };
  const pairs = Object.entries(metadata).map(([key, value]) => `${sqlText(key)}: ${sqlText(value)}`);
  const options = [
    'FORMAT parquet',
    'COMPRESSION zstd',
    `ROW_GROUP_SIZE ${rowGroupRows(bytesPerRow)}`,
    'USE_TMP_FILE false',
    `KV_METADATA {${pairs.join(', ')}}`,
  ];
  return options.join(', ');
}

function rowGroupRows(bytesPerRow: number): number {
  const chunks = Math.floor(ROW_GROUP_BYTES / bytesPerRow / CHUNK_ROWS);
  return Math.min(ROW_GROUP_ROWS, Math.max(1, chunks) * CHUNK_ROWS);
}

async function makeDurable(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
