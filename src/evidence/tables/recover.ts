import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import type { RecordBatch } from 'apache-arrow';
import { AssayError } from '../../core/errors.ts';
import { decodeBatch, isIntact } from './batch-codec.ts';

/** What lies behind the last whole batch of a live stream. */
export interface Tail {
  /** Bytes without a whole batch: the part of one that a crash cut off, or everything from damage on. */
  readonly droppedBytes: number;
}

/**
 * The whole batches of a live stream in the order of writing, one in memory at a
 * time; returns what it had to drop. A crash or damage costs only what comes
 * after it. Reads synchronously.
 *
 * @throws AssayError EVIDENCE_MISSING without the file, EVIDENCE_DAMAGED when it is no Arrow stream.
 */
export function* wholeBatches(path: string): Generator<RecordBatch, Tail, void> {
  const file = openStream(path);
  try {
    const size = fstatSync(file).size;
    const header = readMessage({ file, size, position: 0 });
    if (header === 'cut off') return { droppedBytes: size };
    if (typeof header === 'string' || !isIntact(header)) throw noStream(path);
    let position = header.length;
    for (;;) {
      const message = readMessage({ file, size, position });
      if (message === 'end') return { droppedBytes: size - position - PREFIX_BYTES };
      if (typeof message === 'string' || !isIntact(message)) return { droppedBytes: size - position };
      position += message.length;
      yield decodeBatch(header, message);
    }
  } finally {
    closeSync(file);
  }
}

function openStream(path: string): number {
  if (!existsSync(path)) {
    throw new AssayError('EVIDENCE_MISSING', `There is no live stream ${path}.`, {
      hint: 'the run recorded nothing there, or its stream became the .parquet file beside it',
    });
  }
  return openSync(path, 'r');
}

function noStream(path: string): AssayError {
  return new AssayError('EVIDENCE_DAMAGED', `${path} does not begin as an Arrow stream of ours.`, {
    hint: 'its first bytes were overwritten; re-parse the run from its logs',
  });
}

/** A marker of -1 and the length of the metadata. */
const PREFIX_BYTES = 8;
const CONTINUATION = -1;
/** Where the layout of a `Message` says where its fourth field is. */
const BODY_LENGTH_FIELD = 10;

interface Place {
  readonly file: number;
  readonly size: number;
  readonly position: number;
}

/** The bytes of the message at this place: prefix, metadata, body. */
function readMessage({ file, size, position }: Place): Buffer | 'end' | 'cut off' | 'not a message' {
  const read = (from: number, length: number) => {
    if (from + length > size) return null;
    const bytes = Buffer.allocUnsafeSlow(length);
    return readSync(file, bytes, 0, length, from) === length ? bytes : null;
  };
  const prefix = read(position, PREFIX_BYTES);
  if (!prefix) return 'cut off';
  const metadataLength = prefix.readInt32LE(4);
  if (prefix.readInt32LE(0) !== CONTINUATION || metadataLength < 0) return 'not a message';
  if (metadataLength === 0) return 'end';
  const metadata = read(position + PREFIX_BYTES, metadataLength);
  if (!metadata) return 'cut off';
  const bodyLength = bodyLengthOf(metadata);
  if (bodyLength === null) return 'not a message';
  return read(position, PREFIX_BYTES + metadataLength + bodyLength) ?? 'cut off';
}

/**
 * The length of a message's body, straight from the table `Message` of the Arrow
 * format: nothing may loop over these bytes before their checksum is known to be right.
 */
function bodyLengthOf(metadata: Buffer): number | null {
  try {
    const table = metadata.readUInt32LE(0);
    const layout = table - metadata.readInt32LE(table);
    const hasField = metadata.readUInt16LE(layout) > BODY_LENGTH_FIELD;
    const field = hasField ? metadata.readUInt16LE(layout + BODY_LENGTH_FIELD) : 0;
    const length = field === 0 ? 0 : Number(metadata.readBigInt64LE(table + field));
    return length >= 0 ? length : null;
  } catch {
    return null;
  }
}
