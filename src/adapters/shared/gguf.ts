/** A typed metadata value of a GGUF file. */
export type GgufValue =
  | { readonly type: 'uint32' | 'float32'; readonly value: number }
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'int32[]' | 'float32[]'; readonly value: readonly number[] }
  | { readonly type: 'string[]'; readonly value: readonly string[] };

/** One F32 tensor; `shape` is row-major, outermost dimension first, so a linear layer is `[out, in]`. */
interface GgufTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** What a GGUF file holds: metadata in writing order, then tensors in writing order. */
export interface GgufContent {
  readonly metadata: Readonly<Record<string, GgufValue>>;
  readonly tensors: readonly GgufTensor[];
}

const magic = 'GGUF';
const version = 3;
/** The format's default; files that use it need no `general.alignment` key. */
const alignmentBytes = 32;
const f32TensorType = 0;
const valueTypeIds = { uint32: 4, int32: 5, float32: 6, bool: 7, string: 8, array: 9 } as const;

/** The bytes of a GGUF version 3 file (little-endian, F32 tensors, 32-byte alignment). */
export function encodeGguf({ metadata, tensors }: GgufContent): Uint8Array {
  const entries = Object.entries(metadata);
  const counts = [uint32(version), uint64(tensors.length), uint64(entries.length)];
  const keyValues = entries.flatMap(([key, value]) => [string(key), encodeValue(value)]);
  const infos: Buffer[] = [];
  const blocks: Buffer[] = [];
  let offset = 0;
  for (const tensor of tensors) {
    const block = padded(float32s(tensor.data));
    infos.push(encodeTensorInfo(tensor, offset));
    blocks.push(block);
    offset += block.length;
  }
  return Buffer.concat([padded(Buffer.concat([Buffer.from(magic), ...counts, ...keyValues, ...infos])), ...blocks]);
}

function encodeTensorInfo({ name, shape, data }: GgufTensor, offset: number): Buffer {
  const size = shape.reduce((product, dimension) => product * dimension, 1);
  if (size !== data.length) {
    throw new RangeError(`tensor ${name} has ${data.length} values, its shape [${shape.join(', ')}] needs ${size}`);
  }
  // GGUF lists the innermost dimension first.
  const dimensions = shape.toReversed().map(uint64);
  return Buffer.concat([string(name), uint32(shape.length), ...dimensions, uint32(f32TensorType), uint64(offset)]);
}

function encodeValue(entry: GgufValue): Buffer {
  switch (entry.type) {
    case 'uint32':
      return Buffer.concat([uint32(valueTypeIds.uint32), uint32(entry.value)]);
    case 'float32':
      return Buffer.concat([uint32(valueTypeIds.float32), float32s([entry.value])]);
    case 'bool':
      return Buffer.concat([uint32(valueTypeIds.bool), Buffer.of(entry.value ? 1 : 0)]);
    case 'string':
      return Buffer.concat([uint32(valueTypeIds.string), string(entry.value)]);
    case 'int32[]':
      return array('int32', entry.value.length, int32s(entry.value));
    case 'float32[]':
      return array('float32', entry.value.length, float32s(entry.value));
    case 'string[]':
      return array('string', entry.value.length, Buffer.concat(entry.value.map(string)));
  }
}

function array(elementType: 'int32' | 'float32' | 'string', length: number, elements: Buffer): Buffer {
  return Buffer.concat([uint32(valueTypeIds.array), uint32(valueTypeIds[elementType]), uint64(length), elements]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function uint64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

function int32s(values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, index) => bytes.writeInt32LE(value, index * 4));
  return bytes;
}

function float32s(values: ArrayLike<number>): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  Float32Array.from(values).forEach((value, index) => bytes.writeFloatLE(value, index * 4));
  return bytes;
}

function string(value: string): Buffer {
  const bytes = Buffer.from(value, 'utf8');
  return Buffer.concat([uint64(bytes.length), bytes]);
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((alignmentBytes - (bytes.length % alignmentBytes)) % alignmentBytes)]);
}
