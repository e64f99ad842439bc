import { byteVocabularySize, type LlamaShape } from '../shared/gguf-llama.ts';
import { createRandom } from '../shared/random.ts';

/** Where one named matrix or vector lies in the flat weight array. */
export interface WeightSlice {
  /** The tensor's name in a GGUF file. */
  readonly name: string;
  /** Row-major; a linear layer is `[out, in]`. */
  readonly shape: readonly number[];
  readonly offset: number;
  readonly size: number;
}

/** The slices of a byte-level llama in file order; together they cover the flat array without gaps. */
export function weightLayout(shape: LlamaShape): readonly WeightSlice[] {
  let offset = 0;
  return namedShapes(shape).map(([name, dimensions]) => {
    const size = dimensions.reduce((product, dimension) => product * dimension, 1);
    const slice = { name, shape: dimensions, offset, size };
    offset += size;
    return slice;
  });
}

/** The number of weights of a layout. */
export function weightCount(layout: readonly WeightSlice[]): number {
  return layout.reduce((sum, { size }) => sum + size, 0);
}

/** The part of a flat array that a slice names, as a view. */
export function viewOf(flat: Float32Array, { offset, size }: WeightSlice): Float32Array {
  return flat.subarray(offset, offset + size);
}

/** Fresh weights from a seed: norms are 1, matrices are uniform with deviation 0.02, less for those that write to the residual stream. */
export function initialWeights(shape: LlamaShape, seed: number): Float32Array {
  const layout = weightLayout(shape);
  const weights = new Float32Array(weightCount(layout));
  for (const slice of layout) {
    const view = viewOf(weights, slice);
    if (slice.shape.length === 1) {
      view.fill(1);
    } else {
      const random = createRandom(seed, slice.name);
      const halfWidth = Math.sqrt(3) * initialDeviation(slice.name, shape.layers);
      view.forEach((_, index) => (view[index] = halfWidth * (2 * random() - 1)));
    }
  }
  return weights;
}

function initialDeviation(name: string, layers: number): number {
  const writesToResidual = /attn_output|ffn_down/.test(name);
  return writesToResidual ? 0.02 / Math.sqrt(2 * layers) : 0.02;
}

function namedShapes({ layers, width, feedForward }: LlamaShape): readonly (readonly [string, readonly number[]])[] {
  const blocks = Array.from({ length: layers }, (_, layer) => `blk.${layer}`);
  return [
    ['token_embd.weight', [byteVocabularySize, width]],
    ...blocks.flatMap((block): [string, number[]][] => [
      [`${block}.attn_norm.weight`, [width]],
      [`${block}.attn_q.weight`, [width, width]],
      [`${block}.attn_k.weight`, [width, width]],
      [`${block}.attn_v.weight`, [width, width]],
      [`${block}.attn_output.weight`, [width, width]],
      [`${block}.ffn_norm.weight`, [width]],
      [`${block}.ffn_gate.weight`, [feedForward, width]],
      [`${block}.ffn_up.weight`, [feedForward, width]],
      [`${block}.ffn_down.weight`, [width, feedForward]],
    ]),
    ['output_norm.weight', [width]],
    ['output.weight', [byteVocabularySize, width]],
  ];
}
