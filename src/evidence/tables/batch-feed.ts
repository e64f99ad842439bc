import type { DuckDBDataChunk } from '@duckdb/node-api';
import { util } from 'apache-arrow';
import type { Data, RecordBatch } from 'apache-arrow';
import { AssayError } from '../../core/errors.ts';
import { arrowType } from './arrow-schema.ts';
import type { Column, TableSchema } from './column-schema.ts';
import { CHUNK_ROWS } from '../duckdb.ts';
import { wholeBatches } from './recover.ts';
import { transfers } from './transfer.ts';

/** Hands a live stream to DuckDB, chunk by chunk. */
export interface BatchFeed {
  readonly table: TableSchema<never>;
  /** What a row of the first batch takes in memory; 0 when there is none. */
  readonly bytesPerRow: number;
  /** Fills an empty chunk with the next rows; no rows are left when it stays empty. */
  fill(chunk: DuckDBDataChunk): void;
  /** Rows handed out so far. */
  readonly rows: number;
  /** What the stream dropped at its end, known when no rows are left. */
  readonly droppedBytes: number;
  /** Lets go of the stream. */
  close(): void;
}

/**
 * Opens a live stream for DuckDB.
 *
 * @throws AssayError EVIDENCE_MISSING or EVIDENCE_DAMAGED when it does not hold this table.
 */
export function openFeed(path: string, table: TableSchema<never>): BatchFeed {
  const batches = wholeBatches(path);
  let droppedBytes = 0;
  let position = 0;
  let rows = 0;
  const close = () => void batches.return({ droppedBytes });
  const next = (): Batch | null => {
    const { done, value } = batches.next();
    position = 0;
    if (!done) return decoded(value, table, path);
    droppedBytes = value.droppedBytes;
    return null;
  };
  let batch: Batch | null;
  try {
    batch = next();
  } catch (error) {
    close();
    throw error;
  }
  return {
    table,
    bytesPerRow: batch ? batch.bytes / batch.rows : 0,
    fill(chunk) {
      if (!batch) return;
      const count = Math.min(batch.rows - position, CHUNK_ROWS);
      chunk.rowCount = count;
      for (const [index, { type }] of table.columns.entries()) {
        const data = batch.columns[index];
        if (data) transfers[type].fill({ data, vector: chunk.getColumnVector(index), start: position, count });
      }
      position += count;
      rows += count;
      if (position === batch.rows) batch = next();
    },
    get rows() {
      return rows;
    },
    get droppedBytes() {
      return droppedBytes;
    },
    close,
  };
}

interface Batch {
  readonly rows: number;
  readonly bytes: number;
  /** The values of the table's columns, in its order. */
  readonly columns: readonly Data[];
}

function decoded(batch: RecordBatch, table: TableSchema<never>, path: string): Batch {
  const columns = table.columns.map((column) => columnData(batch, column, path));
  return { rows: batch.numRows, bytes: batch.data.byteLength, columns };
}

function columnData(batch: RecordBatch, column: Column<never>, path: string): Data {
  const data = batch.getChild(column.name)?.data[0];
  if (data && util.compareTypes(data.type, arrowType(column.type))) return data;
  throw new AssayError('EVIDENCE_DAMAGED', `${path} has no column ${column.name} of type ${column.type}.`, {
    hint: 'it was written by another version or for another table; re-parse the run from its logs',
  });
}
