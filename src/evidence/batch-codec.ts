import { crc32 } from 'node:zlib';
import { Data, Float64, RecordBatch, RecordBatchReader, RecordBatchStreamWriter, Struct } from 'apache-arrow';
import type { Schema } from 'apache-arrow';
import { arrowSchema, arrowType } from './arrow-schema.ts';
import type { ColumnData } from './column-buffers.ts';
import type { TableSchema } from './column-schema.ts';

/** The length of the end-of-stream marker of an Arrow IPC stream. */
const END_BYTES = 8;
/** A null count that Arrow works out from the validity bits. */
const UNKNOWN = -1;
const CHECKSUM_MARK = 'crc32:';
const CHECKSUM_DIGITS = 8;
const BLANK_CHECKSUM = '0'.repeat(CHECKSUM_DIGITS);
const checksumMetadata = new Map([['assay.integrity', CHECKSUM_MARK + BLANK_CHECKSUM]]);

/** Turns batches of one table into the messages of one Arrow IPC stream. */
export interface BatchEncoder {
  /** The schema message that opens the stream. */
  readonly header: Uint8Array;
  /** The marker that closes it. */
  readonly end: Uint8Array;
  /** The message of one batch, with a checksum over all of its bytes. */
  encode(columns: readonly ColumnData[], rows: number): Uint8Array;
}

/** The encoder of the streams of this table. */
export function batchEncoder(table: TableSchema<never>): BatchEncoder {
  const schema = arrowSchema(table);
  const empty = streamOf(schema);
  const header = empty.slice(0, -END_BYTES);
  const type = new Struct(schema.fields);
  return {
    header,
    end: empty.slice(-END_BYTES),
    encode(columns, rows) {
      const children = columns.map((column) => arrowData(column, rows));
      const data = new Data(type, 0, rows, 0, undefined, children);
      const batch = new RecordBatch(schema, data, checksumMetadata);
      return sealed(streamOf(schema, batch).subarray(header.length, -END_BYTES));
    },
  };
}

function arrowData(column: ColumnData, rows: number): Data {
  const { validity, values, offsets, items } = column;
  const children = items && [
    new Data(new Float64(), 0, items.values.length, UNKNOWN, [undefined, items.values, items.validity]),
  ];
  return new Data(arrowType(column.type), 0, rows, UNKNOWN, [offsets, values, validity], children);
}

// The writer's sink is asynchronous; a stream of one batch is the public way to get its bytes at once.
function streamOf(schema: Schema, batch?: RecordBatch): Uint8Array {
  const writer = new RecordBatchStreamWriter();
  writer.reset(undefined, schema);
  if (batch) writer.write(batch);
  return writer.finish().toUint8Array(true);
}

/** Decodes the message of one batch; null when its bytes are not the ones that were written. */
export function decodeBatch(header: Uint8Array, message: Uint8Array): RecordBatch | null {
  if (!isIntact(message)) return null;
  const { value } = RecordBatchReader.from([header, message]).open().next();
  return value instanceof RecordBatch ? value : null;
}

// The checksum covers the message with its own digits blanked, so that the metadata is covered too.
function sealed(message: Uint8Array): Uint8Array {
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
  bytes.write(checksumOf(bytes), digitsOffset(bytes), 'latin1');
  return bytes;
}

function isIntact(message: Uint8Array): boolean {
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
  const offset = digitsOffset(bytes);
  if (offset < 0) return false;
  const written = bytes.toString('latin1', offset, offset + CHECKSUM_DIGITS);
  bytes.write(BLANK_CHECKSUM, offset, 'latin1');
  return checksumOf(bytes) === written;
}

function digitsOffset(message: Buffer): number {
  const mark = message.indexOf(CHECKSUM_MARK, 0, 'latin1');
  return mark < 0 ? -1 : mark + CHECKSUM_MARK.length;
}

function checksumOf(message: Buffer): string {
  return crc32(message).toString(16).padStart(CHECKSUM_DIGITS, '0');
}
