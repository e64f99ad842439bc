import { describe, expect, it } from 'vitest';
import { mean } from '../../../../src/adapters/jax-js/evaluate.ts';
import { initialWeights, viewOf, weightCount, weightLayout } from '../../../../src/adapters/jax-js/weights.ts';
import { byteVocabularySize } from '../../../../src/adapters/shared/gguf-llama.ts';
import { miniatureModel, miniatureShape, tokensOf } from './miniature.ts';

const model = await miniatureModel();
const text = tokensOf('a queue is what happens');
const layout = weightLayout(miniatureShape);

/** Initial weights that are large enough for every part of the model to matter. */
function livelyWeights(): Float32Array {
  return initialWeights(miniatureShape, 3).map((weight) => (weight === 1 ? 1 : weight * 15));
}

describe('byte llama', () => {
  it('starts out knowing nothing: the loss is the logarithm of the vocabulary', async () => {
    const { loss } = await model.lossGradient(initialWeights(miniatureShape, 1), [text]);
    expect(loss).toBeCloseTo(Math.log(byteVocabularySize), 1);
  });

  it('sees no later byte: a change at position 10 leaves all predictions before it as they were', async () => {
    const changed = Int32Array.from(text);
    changed[10] = text[10]! + 1;
    const [before] = await model.tokenNlls(livelyWeights(), [text]);
    const [after] = await model.tokenNlls(livelyWeights(), [changed]);
    // Entry i is the prediction of token i + 1.
    expect(after!.slice(0, 9)).toEqual(before!.slice(0, 9));
    expect(after![9]).not.toBe(before![9]);
    expect(after![10]).not.toBe(before![10]);
    expect(after!.at(-1)).not.toBe(before!.at(-1));
  });

  it('knows the order of the bytes it has seen', async () => {
    const swapped = Int32Array.from(text);
    [swapped[2], swapped[3]] = [text[3]!, text[2]!];
    const [inOrder] = await model.tokenNlls(livelyWeights(), [text]);
    const [outOfOrder] = await model.tokenNlls(livelyWeights(), [swapped]);
    expect(Math.abs(outOfOrder!.at(-1)! - inOrder!.at(-1)!)).toBeGreaterThan(1e-4);
  });

  it('scores the windows of a batch independently, and the loss is their mean', async () => {
    const other = tokensOf('the law does not care h');
    const [together, alone] = await Promise.all([
      model.tokenNlls(livelyWeights(), [text, other]),
      model.tokenNlls(livelyWeights(), [other]),
    ]);
    together[1]!.forEach((nll, index) => expect(nll).toBeCloseTo(alone[0]![index]!, 4));
    const { loss } = await model.lossGradient(livelyWeights(), [text, other]);
    expect(loss).toBeCloseTo((mean(together[0]!) + mean(together[1]!)) / 2, 4);
  });

  it('gives the slope of the loss for every tensor', async () => {
    const weights = livelyWeights();
    const { gradient } = await model.lossGradient(weights, [text]);
    expect(gradient).toHaveLength(weightCount(layout));
    for (const slice of layout) {
      const slope = viewOf(gradient, slice);
      const length = Math.hypot(...slope);
      expect(length, slice.name).toBeGreaterThan(0);
      // Along its own direction a gradient of length L changes the loss by L per unit.
      const lossAt = async (distance: number): Promise<number> => {
        const moved = Float32Array.from(weights);
        viewOf(moved, slice).forEach(
          (weight, index, view) => (view[index] = weight + (distance * slope[index]!) / length),
        );
        return mean((await model.tokenNlls(moved, [text]))[0]!);
      };
      const distance = 0.02;
      const measured = ((await lossAt(distance)) - (await lossAt(-distance))) / (2 * distance);
      expect(Math.abs(measured - length) / length, slice.name).toBeLessThan(0.05);
    }
  });

  it('lowers the loss by a step against the gradient', async () => {
    const weights = initialWeights(miniatureShape, 1);
    const before = await model.lossGradient(weights, [text]);
    const moved = weights.map((weight, index) => weight - 0.1 * before.gradient[index]!);
    const after = await model.lossGradient(moved, [text]);
    expect(after.loss).toBeLessThan(before.loss - 0.01);
  });
});

describe('weights', () => {
  it('cover the flat array without a gap, under the names llama.cpp looks for', () => {
    let offset = 0;
    for (const slice of layout) {
      expect(slice.offset).toBe(offset);
      offset += slice.size;
    }
    expect(offset).toBe(weightCount(layout));
    expect(layout.map(({ name }) => name)).toContain('blk.1.ffn_down.weight');
    expect(layout.find(({ name }) => name === 'blk.0.ffn_up.weight')?.shape).toEqual([24, 16]);
  });

  it('depend on the seed alone', () => {
    expect(initialWeights(miniatureShape, 1)).toEqual(initialWeights(miniatureShape, 1));
    expect(initialWeights(miniatureShape, 2)).not.toEqual(initialWeights(miniatureShape, 1));
  });
});
