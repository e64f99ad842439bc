import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import type { BatchEncoder } from './batch-codec.ts';
import { columnBuffer } from './column-buffers.ts';
import type { ColumnBuffer } from './column-buffers.ts';
import type { TableSchema } from './column-schema.ts';
import { CHUNK_ROWS } from '../duckdb.ts';

/** A live sidecar: rows go in, whole batches lie in the file. */
export interface Capture<Row> {
  /**
   * Takes one row; it reaches the file with the batch that it completes, or with
   * the next flush. Throws a TypeError for a value that its column cannot hold.
   */
  append(row: Row): void;
  /** Resolves when every row so far is in the file; rejects when the file could not take one of them. */
  flush(): Promise<void>;
  /** Flushes, ends the stream, makes it durable and lets go of the file. */
  close(): Promise<void>;
}

/** How a capture collects rows. */
export interface CaptureOptions {
  /** Rows of a full batch; unless told, as many as DuckDB takes at once when the stream is turned into Parquet. */
  readonly batchRows?: number;
}

/**
 * Starts the Arrow IPC stream of a table in a new file; one that exists is never
 * overwritten. Whoever owns the capture flushes it every second: a crash then
 * loses at most the rows of that second. Whatever goes wrong with the file,
 * opening it included, rejects the next flush and the close.
 */
export function openCapture<Row>(path: string, table: TableSchema<Row>, options: CaptureOptions = {}): Capture<Row> {
  const { batchRows = CHUNK_ROWS } = options;
  const file = openLog(path, table);
  const spare: ColumnBuffer<Row>[][] = [];
  const freshBuffers = () => spare.pop() ?? table.columns.map((column) => columnBuffer(column, batchRows));
  let buffers = freshBuffers();
  let rows = 0;
  let closing: Promise<void> | null = null;

  const emit = () => {
    if (rows === 0) return;
    const full = buffers;
    const count = rows;
    file.append((encoder) => {
      const message = encoder.encode(
        full.map((buffer) => buffer.data(count)),
        count,
      );
      spare.push(full);
      return message;
    });
    buffers = freshBuffers();
    rows = 0;
  };
  return {
    append(row) {
      if (closing) throw new Error(`The capture ${path} is closed.`);
      for (const buffer of buffers) buffer.put(row, rows);
      rows += 1;
      if (rows === batchRows) emit();
    },
    flush() {
      emit();
      return file.written();
    },
    close() {
      emit();
      closing ??= file.close();
      return closing;
    },
  };
}

interface Log {
  append(message: (encoder: BatchEncoder) => Uint8Array): void;
  written(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Writes messages one after the other, in the background. The chain stays
 * rejected after the first failure: nothing is written behind a part of a message.
 */
function openLog(path: string, table: TableSchema<never>): Log {
  const opened = open(path, 'wx');
  let tail = start(opened, table);

  const append: Log['append'] = (message) => {
    tail = tail.then(async (encoder) => {
      await (await opened).appendFile(message(encoder));
      return encoder;
    });
    tail.catch(reportedByWritten);
  };
  tail.catch(reportedByWritten);
  return {
    append,
    async written() {
      await tail;
    },
    async close() {
      append((encoder) => encoder.end);
      try {
        await tail;
        await (await opened).sync();
      } finally {
        await opened.then((file) => file.close(), reportedByWritten);
      }
    },
  };
}

async function start(opened: Promise<FileHandle>, table: TableSchema<never>): Promise<BatchEncoder> {
  const file = await opened;
  // Arrow takes 0.2 s to load: only a process that captures pays, and not while it starts its workload.
  const { batchEncoder } = await import('./batch-codec.ts');
  const encoder = batchEncoder(table);
  await file.appendFile(encoder.header);
  return encoder;
}

function reportedByWritten(): void {}
