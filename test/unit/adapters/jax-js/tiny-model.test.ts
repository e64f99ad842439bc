import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { consecutiveWindows } from '../../../../src/adapters/jax-js/batches.ts';
import { mean } from '../../../../src/adapters/jax-js/evaluate.ts';
import { tinyRecipe } from '../../../../src/adapters/jax-js/recipe.ts';
import { makeTinyModel } from '../../../../src/adapters/jax-js/tiny-model.ts';
import { byteVocabularySize } from '../../../../src/adapters/shared/gguf-llama.ts';
import { llamaWindowNlls, withLlama } from './llama-nll.ts';
import { tokensOf } from './miniature.ts';

const corpus = Array.from({ length: 20 }, (_, index) => `Machine ${index} waits for the slow disk of its rack.`).join(
  '\n\n',
);
const never = new AbortController().signal;
const recipe = { ...tinyRecipe, steps: 3, windowLength: 32, windowsPerStep: 1, heldOutWindowLength: 40 };

describe('makeTinyModel', () => {
  it('describes on the card what it trained', async () => {
    const losses: number[] = [];
    const model = await makeTinyModel({
      corpus,
      recipe,
      signal: never,
      onStep: ({ loss }) => losses.push(loss),
    });
    const { card, gguf, heldOut } = model!;
    expect(heldOut).toMatch(/^Machine 9 .*\n\nMachine 19 .*$/);
    expect(card).toMatchObject({
      sha256: createHash('sha256').update(gguf).digest('hex'),
      bytes: gguf.length,
      training: {
        steps: 3,
        tokensPerStep: 32,
        engineVersion: expect.stringMatching(/^\d+\.\d+\.\d+$/),
        firstLoss: losses[0],
        finalLoss: mean(losses),
        finalLossSteps: 3,
      },
      heldOut: { windows: Math.floor(heldOut.length / 40), windowLength: 40 },
    });
    expect(card.parameters * 4).toBeLessThan(card.bytes);
    expect(card.heldOut.nll).toBeLessThan(Math.log(byteVocabularySize));
  });

  it('makes a file that llama.cpp reads as the model that was trained', async () => {
    const { card, gguf, heldOut } = (await makeTinyModel({ corpus, recipe, signal: never, onStep: () => {} }))!;
    const folder = await mkdtemp(join(tmpdir(), 'assay-model-'));
    try {
      await writeFile(join(folder, card.file), gguf);
      const windows = consecutiveWindows(tokensOf(heldOut), card.heldOut.windowLength);
      const text = 'Two  spaces, <s> <0x41>,\n\ttabs and é.';
      const { tokens, nlls } = await withLlama(join(folder, card.file), async (model) => ({
        tokens: model.tokenize(text),
        nlls: await llamaWindowNlls(model, windows, 'full'),
      }));
      expect(tokens).toEqual([...tokensOf(text)]);
      expect(nlls).toHaveLength(card.heldOut.windows);
      nlls.forEach((nll, index) => expect(Math.abs(nll - card.heldOut.windowNlls[index]!)).toBeLessThan(1e-5));
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('stops after the running step when it is told to', async () => {
    const interrupt = new AbortController();
    let steps = 0;
    const model = await makeTinyModel({
      corpus,
      recipe,
      signal: interrupt.signal,
      onStep: () => {
        steps += 1;
        interrupt.abort();
      },
    });
    expect(model).toBeUndefined();
    expect(steps).toBe(1);
  });
});
