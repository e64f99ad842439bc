import type { ByteLlama } from '../../../../src/adapters/jax-js/byte-llama.ts';
import { createByteLlama } from '../../../../src/adapters/jax-js/byte-llama.ts';
import { loadJax } from '../../../../src/adapters/jax-js/jax-runtime.ts';
import { byteTokens, type LlamaShape } from '../../../../src/adapters/shared/gguf-llama.ts';

/** An architecture with every part of the real one that compiles in milliseconds. */
export const miniatureShape: LlamaShape = {
  layers: 2,
  width: 16,
  heads: 2,
  feedForward: 24,
  contextLength: 32,
  ropeBase: 10_000,
  normEpsilon: 1e-5,
};

/** The compiled miniature. */
export async function miniatureModel(): Promise<ByteLlama> {
  return createByteLlama(await loadJax(), miniatureShape);
}

/** The tokens of a text, one for each byte of its UTF-8 form. */
export function tokensOf(text: string): Int32Array {
  return byteTokens(Buffer.from(text));
}
