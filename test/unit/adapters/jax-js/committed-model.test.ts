import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { consecutiveWindows } from '../../../../src/adapters/jax-js/batches.ts';
import { readCorpus, splitCorpus } from '../../../../src/adapters/jax-js/corpus.ts';
import { type ByteLlama, createByteLlama } from '../../../../src/adapters/jax-js/byte-llama.ts';
import { mean, windowNlls } from '../../../../src/adapters/jax-js/evaluate.ts';
import { loadJax } from '../../../../src/adapters/jax-js/jax-runtime.ts';
import { renderModelReadme } from '../../../../src/adapters/jax-js/model-readme.ts';
import { weightLayout } from '../../../../src/adapters/jax-js/weights.ts';
import { byteTokens } from '../../../../src/adapters/shared/gguf-llama.ts';
import { modelCardSchema } from '../../../../src/adapters/shared/model-card.ts';
import { readGguf } from '../shared/gguf-reader.ts';
import { llamaWindowNlls, withLlama } from './llama-nll.ts';

const folder = fileURLToPath(new URL('../../../../fixtures/models/', import.meta.url));
const card = modelCardSchema.parse(JSON.parse(readFileSync(`${folder}byte-llama.json`, 'utf8')));
const heldOut = readFileSync(folder + card.heldOut.file);
const windows = consecutiveWindows(byteTokens(heldOut), card.heldOut.windowLength);

function sha256Hex(content: Uint8Array | string): string {
  return createHash('sha256').update(content).digest('hex');
}

describe('the committed tiny model', () => {
  it('is the file its card describes', () => {
    const file = readFileSync(folder + card.file);
    expect({ sha256: sha256Hex(file), bytes: file.length }).toEqual({ sha256: card.sha256, bytes: card.bytes });
    expect(card.bytes).toBeLessThan(2.5e6);
    expect(readFileSync(`${folder}README.md`, 'utf8')).toBe(renderModelReadme(card));
  });

  it('was trained on the committed corpus without its held-out part', async () => {
    const corpus = await readCorpus(`${folder}corpus`);
    expect(sha256Hex(corpus)).toBe(card.training.corpusSha256);
    const split = splitCorpus(corpus);
    expect(split.heldOut).toBe(heldOut.toString());
    for (const sentence of split.heldOut.split(/(?<=[.?!])\s+/)) expect(split.training).not.toContain(sentence);
  });

  it('scored what the card says, window by window', () => {
    const { nll, perplexity, positions, windowLength, sha256 } = card.heldOut;
    expect(sha256Hex(heldOut)).toBe(sha256);
    expect(card.heldOut.windowNlls).toHaveLength(windows.length);
    expect(positions).toBe(windows.length * (windowLength - 1));
    expect(nll).toBeCloseTo(mean(card.heldOut.windowNlls), 10);
    expect(perplexity).toBeCloseTo(Math.exp(nll), 10);
    expect(nll).toBeLessThan(2);
  });
});

describe('the trainer and llama.cpp', () => {
  it('make the same tokens of a text, one for each byte', async () => {
    const text = 'Two  spaces, <s> <0x41>,\n\ttabs and é.';
    await withLlama(folder + card.file, async (model) => {
      const tokens = model.tokenize(text);
      expect(tokens).toEqual([...byteTokens(Buffer.from(text))]);
      expect(model.detokenize(tokens)).toBe(text);
      expect(model.trainContextSize).toBe(card.contextLength);
    });
  });

  it('agree on the likelihood of the held-out text', async () => {
    const trainers = await windowNlls(await trainersModel(), await committedWeights(), someWindows);
    expectWithin(trainers, 1e-5);
    const [full, served] = await withLlama(folder + card.file, async (model) => [
      await llamaWindowNlls(model, someWindows, 'full'),
      await llamaWindowNlls(model, someWindows, 'served'),
    ]);
    expectWithin(full, 1e-5);
    expectWithin(served, 5e-4);
  });
});

const someWindows = windows.slice(0, 4);
const shape = { ...card.architecture, contextLength: card.contextLength };

function expectWithin(nlls: readonly number[], tolerance: number): void {
  expect(nlls).toHaveLength(someWindows.length);
  nlls.forEach((nll, index) => expect(Math.abs(nll - card.heldOut.windowNlls[index]!)).toBeLessThan(tolerance));
}

async function trainersModel(): Promise<ByteLlama> {
  return createByteLlama(await loadJax(), shape);
}

async function committedWeights(): Promise<Float32Array> {
  const { tensors } = await readGguf(folder + card.file);
  const weights = new Float32Array(card.parameters);
  for (const slice of weightLayout(shape)) {
    weights.set(tensors.find(({ name }) => name === slice.name)!.data, slice.offset);
  }
  return weights;
}
