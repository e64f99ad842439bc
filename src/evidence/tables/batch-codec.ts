import { crc32 } from 'node:zlib';
import { Data, Float64, RecordBatch, RecordBatchReader, RecordBatchStreamWriter, Schema, Struct } from 'apache-arrow';
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
/** The metadata of every message: the place where its checksum goes. */
const unsealed = ['assay.integrity', CHECKSUM_MARK + BLANK_CHECKSUM] as const;

/** Turns batches of one table into the messages of one Arrow IPC stream; every message carries a checksum of itself. */
export interface BatchEncoder {
  /** The schema message that opens the stream. */
  readonly header: Uint8Array;
  /** The marker that closes it. */
  readonly end: Uint8Array;
  /** The message of one batch. */
  encode(columns: readonly ColumnData[], rows: number): Uint8Array;
}

/** The encoder of the streams of this table. */
export function batchEncoder(table: TableSchema<never>): BatchEncoder {
  const { fields, metadata } = arrowSchema(table);
  const schema = new Schema(fields, new Map([...metadata, unsealed]));
  const empty = streamOf(schema);
  const header = sealed(empty.slice(0, -END_BYTES));
  const type = new Struct(fields);
  return {
    header,
    end: empty.slice(-END_BYTES),
    encode(columns, rows) {
      const children = columns.map((column) => arrowData(column, rows));
      const data = new Data(type, 0, rows, 0, undefined, children);
      const batch = new RecordBatch(schema, data, new Map([unsealed]));
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

/** Decodes the message of one batch; both messages must be intact. */
export function decodeBatch(header: Uint8Array, message: Uint8Array): RecordBatch {
  const { value } = RecordBatchReader.from([header, message]).open().next();
  return value;
}

function sealed(message: Uint8Array): Uint8Array {
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
  const checksum = checksumOf(bytes);
  if (checksum) bytes.write(checksum.computed, checksum.offset, 'latin1');
  return bytes;
}

/** Whether a message holds the bytes that were written. */
export function isIntact(message: Buffer): boolean {
  const checksum = checksumOf(message);
  return checksum !== null && checksum.computed === checksum.stated;
}

interface Checksum {
  /** Where its digits are. */
  readonly offset: number;
  readonly stated: string;
  readonly computed: string;
}

/** The checksum of a message, over all of its bytes with the digits blanked; null where it states none. */
function checksumOf(message: Buffer): Checksum | null {
  const mark = message.indexOf(CHECKSUM_MARK, 0, 'latin1');
  if (mark < 0) return null;
  const offset = mark + CHECKSUM_MARK.length;
  const end = offset + CHECKSUM_DIGITS;
  const blanked = crc32(BLANK_CHECKSUM, crc32(message.subarray(0, offset)));
  const computed = crc32(message.subarray(end), blanked).toString(16).padStart(CHECKSUM_DIGITS, '0');
  return { offset, stated: message.toString('latin1', offset, end), computed };
}
