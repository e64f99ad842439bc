import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createAdam } from '../../../../src/adapters/jax-js/adam.ts';
import { consecutiveWindows, seededBatches } from '../../../../src/adapters/jax-js/batches.ts';
import { cosineSchedule, train } from '../../../../src/adapters/jax-js/trainer.ts';
import { initialWeights } from '../../../../src/adapters/jax-js/weights.ts';
import { miniatureModel, miniatureShape, tokensOf } from './miniature.ts';

const model = await miniatureModel();
const text = tokensOf('work arrives faster than it can be served, even for a moment. '.repeat(4));

async function trainMiniature(seed: number) {
  const weights = initialWeights(miniatureShape, seed);
  const steps = [];
  const loop = train({
    weights,
    steps: 30,
    batchAt: seededBatches(text, { windowLength: 16, windows: 2, seed }),
    lossGradientOf: model.lossGradient,
    applyGradient: createAdam(weights.length),
    learningRateAt: () => 0.01,
    maxGradNorm: 1,
  });
  for await (const step of loop) steps.push(step);
  return { weights, steps };
}

describe('train', () => {
  it('learns a repeated sentence', async () => {
    const { steps } = await trainMiniature(1);
    expect(steps.map(({ step }) => step)).toEqual(Array.from({ length: 30 }, (_, index) => index));
    expect(steps.at(-1)!.loss).toBeLessThan(steps[0]!.loss - 1);
    expect(steps.every(({ gradNorm, stepTimeMs }) => gradNorm > 0 && stepTimeMs > 0)).toBe(true);
  });

  it('gives identical weights and losses for the same seed', async () => {
    const [once, again] = [await trainMiniature(7), await trainMiniature(7)];
    expect(again.weights).toEqual(once.weights);
    expect(again.steps.map(({ loss }) => loss)).toEqual(once.steps.map(({ loss }) => loss));
    expect((await trainMiniature(8)).weights).not.toEqual(once.weights);
  });

  it('stops between two steps when the reader leaves the loop', async () => {
    let gradients = 0;
    const loop = train({
      weights: new Float32Array(1),
      steps: 1000,
      batchAt: () => [],
      lossGradientOf: () => {
        gradients += 1;
        return Promise.resolve({ loss: 1, gradient: Float32Array.of(1) });
      },
      applyGradient: () => {},
      learningRateAt: () => 1,
      maxGradNorm: 1,
    });
    for await (const { step } of loop) if (step === 2) break;
    expect(gradients).toBe(3);
  });

  it('lets a signal or a message in between two steps', async () => {
    let interrupted = false;
    setImmediate(() => (interrupted = true));
    const loop = train({
      weights: new Float32Array(1),
      steps: 1000,
      batchAt: () => [],
      lossGradientOf: () => Promise.resolve({ loss: 1, gradient: Float32Array.of(1) }),
      applyGradient: () => {},
      learningRateAt: () => 1,
      maxGradNorm: 1,
    });
    for await (const _ of loop) if (interrupted) break;
    expect(interrupted).toBe(true);
  });

  it('reports the full length of a gradient and applies at most the allowed one', async () => {
    const applied: Float32Array[] = [];
    const loop = train({
      weights: new Float32Array(2),
      steps: 2,
      batchAt: () => [],
      lossGradientOf: () => Promise.resolve({ loss: 1, gradient: Float32Array.of(3, 4) }),
      applyGradient: (_weights, gradient) => applied.push(gradient),
      learningRateAt: () => 1,
      maxGradNorm: 1,
    });
    for await (const { gradNorm } of loop) expect(gradNorm).toBe(5);
    expect(applied[0]).toEqual(Float32Array.of(0.6, 0.8));
  });
});

describe('createAdam', () => {
  it('moves each weight by the learning rate in the first step, whatever the size of its slope', () => {
    const weights = Float32Array.of(1, 1, 1);
    createAdam(3)(weights, Float32Array.of(1e-3, -1e3, 0), 0.5);
    expect([...weights]).toEqual([expect.closeTo(0.5, 4), expect.closeTo(1.5, 4), 1]);
  });

  it('pulls weights towards zero by the decay, apart from the slope', () => {
    const weights = Float32Array.of(2, -2);
    createAdam(2, { weightDecay: 0.1 })(weights, Float32Array.of(0, 0), 0.5);
    expect([...weights]).toEqual([expect.closeTo(1.9, 5), expect.closeTo(-1.9, 5)]);
  });

  it('finds the bottom of a bowl', () => {
    const weights = Float32Array.of(5, -3);
    const applyGradient = createAdam(2);
    for (let step = 0; step < 400; step += 1) {
      applyGradient(weights, Float32Array.of(2 * (weights[0]! - 1), 20 * (weights[1]! - 2)), 0.1);
    }
    expect([...weights]).toEqual([expect.closeTo(1, 2), expect.closeTo(2, 2)]);
  });
});

describe('cosineSchedule', () => {
  it('rises to the peak during the warm-up and ends at its share', () => {
    const rateAt = cosineSchedule({ peak: 2, steps: 100, warmupSteps: 10, finalShare: 0.1 });
    expect(rateAt(0)).toBeCloseTo(0.2);
    expect(rateAt(9)).toBe(2);
    expect(rateAt(10)).toBe(2);
    expect(rateAt(99)).toBeCloseTo(0.2);
  });

  it('never rises after the warm-up and never leaves its range', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 0, max: 50 }), (steps, warmupSteps) => {
        const rateAt = cosineSchedule({ peak: 1, steps, warmupSteps, finalShare: 0.05 });
        const rates = Array.from({ length: steps }, (_, step) => rateAt(step));
        expect(rates.every((rate) => rate > 0 && rate <= 1)).toBe(true);
        const falling = rates.slice(warmupSteps);
        expect(falling.every((rate, index) => index === 0 || rate <= falling[index - 1]!)).toBe(true);
      }),
    );
  });
});

describe('seededBatches', () => {
  const tokens = Int32Array.from({ length: 500 }, (_, index) => index);

  it('gives the same batch for the same seed and step, in any order of asking', () => {
    const batches = () => seededBatches(tokens, { windowLength: 8, windows: 3, seed: 5 });
    const [forwards, backwards] = [batches(), batches()];
    const later = backwards(9);
    expect(forwards(0)).toEqual(backwards(0));
    expect(forwards(9)).toEqual(later);
    expect(forwards(0)).not.toEqual(forwards(1));
    expect(seededBatches(tokens, { windowLength: 8, windows: 3, seed: 6 })(0)).not.toEqual(forwards(0));
  });

  it('reaches the first and the last window of the text', () => {
    const batchAt = seededBatches(tokens.subarray(0, 10), { windowLength: 8, windows: 1, seed: 1 });
    const starts = Array.from({ length: 60 }, (_, step) => batchAt(step)[0]![0]!);
    expect(new Set(starts)).toEqual(new Set([0, 1, 2]));
  });

  it('refuses a text shorter than a window', () => {
    expect(() => seededBatches(tokens.subarray(0, 7), { windowLength: 8, windows: 1, seed: 1 })).toThrow(
      'a text of 7 tokens has no window of 8',
    );
  });
});

describe('consecutiveWindows', () => {
  it('cuts from the start without overlap and leaves a shorter rest out', () => {
    expect(consecutiveWindows(Int32Array.of(1, 2, 3, 4, 5, 6, 7), 3)).toEqual([
      Int32Array.of(1, 2, 3),
      Int32Array.of(4, 5, 6),
    ]);
  });
});
