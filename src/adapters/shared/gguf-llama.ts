import type { GgufValue } from './gguf.ts';

/** The numbers of a llama-architecture decoder with one key/value head per query head. */
export interface LlamaShape {
  readonly layers: number;
  /** Size of the residual stream. */
  readonly width: number;
  readonly heads: number;
  /** Size of the gated feed-forward layer. */
  readonly feedForward: number;
  readonly contextLength: number;
  readonly ropeBase: number;
  readonly normEpsilon: number;
}

const specialTokens = ['<unk>', '<s>', '</s>'] as const;
const tokenTypes = { normal: 1, unknown: 2, control: 3, byte: 6 } as const;
const space = 0x20;

/** Number of tokens of the byte vocabulary: unknown, begin, end and one per byte. */
export const byteVocabularySize = specialTokens.length + 256;

/** The token id of each byte. */
export function byteTokens(bytes: Uint8Array): Int32Array {
  return Int32Array.from(bytes, (byte) => byte + specialTokens.length);
}

/** GGUF metadata of a llama model over the byte vocabulary; a loader needs nothing else beside the tensors. */
export function byteLlamaMetadata(name: string, shape: LlamaShape): Record<string, GgufValue> {
  return {
    'general.architecture': { type: 'string', value: 'llama' },
    'general.name': { type: 'string', value: name },
    'general.file_type': { type: 'uint32', value: 0 },
    'llama.context_length': { type: 'uint32', value: shape.contextLength },
    'llama.embedding_length': { type: 'uint32', value: shape.width },
    'llama.block_count': { type: 'uint32', value: shape.layers },
    'llama.feed_forward_length': { type: 'uint32', value: shape.feedForward },
    'llama.attention.head_count': { type: 'uint32', value: shape.heads },
    'llama.attention.head_count_kv': { type: 'uint32', value: shape.heads },
    'llama.attention.layer_norm_rms_epsilon': { type: 'float32', value: shape.normEpsilon },
    'llama.rope.dimension_count': { type: 'uint32', value: shape.width / shape.heads },
    'llama.rope.freq_base': { type: 'float32', value: shape.ropeBase },
    'llama.vocab_size': { type: 'uint32', value: byteVocabularySize },
    ...byteTokenizerMetadata(),
  };
}

function byteTokenizerMetadata(): Record<string, GgufValue> {
  const bytes = Array.from({ length: 256 }, (_, byte) => byte);
  return {
    'tokenizer.ggml.model': { type: 'string', value: 'llama' },
    'tokenizer.ggml.tokens': { type: 'string[]', value: [...specialTokens, ...bytes.map(byteTokenText)] },
    'tokenizer.ggml.scores': { type: 'float32[]', value: Array<number>(byteVocabularySize).fill(0) },
    'tokenizer.ggml.token_type': {
      type: 'int32[]',
      value: [tokenTypes.unknown, tokenTypes.control, tokenTypes.control, ...bytes.map(byteTokenType)],
    },
    'tokenizer.ggml.unknown_token_id': { type: 'uint32', value: 0 },
    'tokenizer.ggml.bos_token_id': { type: 'uint32', value: 1 },
    'tokenizer.ggml.eos_token_id': { type: 'uint32', value: 2 },
    'tokenizer.ggml.add_bos_token': { type: 'bool', value: false },
    'tokenizer.ggml.add_eos_token': { type: 'bool', value: false },
    'tokenizer.ggml.add_space_prefix': { type: 'bool', value: false },
  };
}

// A llama tokenizer rewrites every space to U+2581 before it looks for tokens, so a byte token
// <0x20> would never be found and each space would cost three tokens.
function byteTokenText(byte: number): string {
  return byte === space ? '\u2581' : `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`;
}

function byteTokenType(byte: number): number {
  return byte === space ? tokenTypes.normal : tokenTypes.byte;
}
