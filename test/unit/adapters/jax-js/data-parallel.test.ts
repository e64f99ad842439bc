import { describe, expect, it } from 'vitest';
import { createAdam } from '../../../../src/adapters/jax-js/adam.ts';
import { allocateSum, joinSum } from '../../../../src/adapters/jax-js/all-reduce.ts';
import { seededBatches } from '../../../../src/adapters/jax-js/batches.ts';
import { dataParallel } from '../../../../src/adapters/jax-js/data-parallel.ts';
import { train } from '../../../../src/adapters/jax-js/trainer.ts';
import { initialWeights, weightCount, weightLayout } from '../../../../src/adapters/jax-js/weights.ts';
import { miniatureModel, miniatureShape, tokensOf } from './miniature.ts';
import { waitInTurns } from './wait-in-turns.ts';

const model = await miniatureModel();
const text = tokensOf('a rank that waits for another is as slow as the slowest of all. '.repeat(4));
const parameters = weightCount(weightLayout(miniatureShape));

/** Trains on batches of two windows, shared by so many ranks; answers what each of them ended with. */
function trainOn(ranks: number) {
  const shared = allocateSum(ranks, parameters + 1);
  return Promise.all(
    Array.from({ length: ranks }, async (_, rank) => {
      const weights = initialWeights(miniatureShape, 1);
      const allReduce = joinSum(shared, rank, waitInTurns);
      const parallel = dataParallel(model.lossGradient, { rank, ranks, allReduce });
      const losses = [];
      const loop = train({
        weights,
        steps: 6,
        batchAt: seededBatches(text, { windowLength: 16, windows: 2, seed: 3 }),
        lossGradientOf: parallel.lossGradientOf,
        applyGradient: createAdam(weights.length),
        learningRateAt: () => 0.01,
        maxGradNorm: 1,
      });
      for await (const { loss } of loop) losses.push(loss);
      return { weights, losses };
    }),
  );
}

function distanceOf(weights: Float32Array, others: Float32Array): number {
  return Math.hypot(...weights.map((weight, at) => weight - others[at]!));
}

describe('dataParallel', () => {
  it('trains two ranks on half a batch each as one rank on the whole', async () => {
    const [[alone], [first, second]] = [await trainOn(1), await trainOn(2)];
    expect(second).toEqual(first);
    first!.losses.forEach((loss, step) => expect(loss).toBeCloseTo(alone!.losses[step]!, 4));
    // Adam divides a slope by its size: where it is next to nothing, rounding decides.
    const travelled = distanceOf(first!.weights, initialWeights(miniatureShape, 1));
    expect(distanceOf(first!.weights, alone!.weights) / travelled).toBeLessThan(0.01);
  });

  it('gives each rank its own part of the batch, in order', async () => {
    const batch = [1, 2, 3, 4].map((token) => Int32Array.of(token));
    const seen: number[][] = [];
    const own = (_: Float32Array, windows: readonly Int32Array[]) => {
      seen.push(windows.map(([token]) => token!));
      return Promise.resolve({ loss: windows[0]![0]!, gradient: Float32Array.of(windows.length) });
    };
    const shared = allocateSum(2, 2);
    const results = await Promise.all(
      [0, 1].map((rank) =>
        dataParallel(own, { rank, ranks: 2, allReduce: joinSum(shared, rank, waitInTurns) }).lossGradientOf(
          new Float32Array(1),
          batch,
        ),
      ),
    );
    expect(seen).toEqual([
      [1, 2],
      [3, 4],
    ]);
    // The mean of losses 1 and 3, and of slopes 2 and 2.
    expect(results).toEqual([0, 1].map(() => ({ loss: 2, gradient: Float32Array.of(2) })));
  });

  it('counts the wait for a slower rank as exchange, not as work', async () => {
    const own = () => Promise.resolve({ loss: 1, gradient: Float32Array.of(1) });
    let waited = 0;
    const allReduce = (): Promise<void> => {
      const start = performance.now();
      while (performance.now() - start < 3);
      waited = performance.now() - start;
      return Promise.resolve();
    };
    const parallel = dataParallel(own, { rank: 0, ranks: 1, allReduce });
    await parallel.lossGradientOf(new Float32Array(1), [Int32Array.of(1)]);
    expect(parallel.commMs()).toBeGreaterThanOrEqual(waited);
  });

  it('refuses a batch that cannot be shared equally', async () => {
    const parallel = dataParallel(model.lossGradient, { rank: 0, ranks: 2, allReduce: () => Promise.resolve() });
    await expect(parallel.lossGradientOf(new Float32Array(1), [Int32Array.of(1)])).rejects.toThrow(
      '1 windows cannot be shared by 2 ranks',
    );
  });
});
