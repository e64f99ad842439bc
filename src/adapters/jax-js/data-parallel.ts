import type { AllReduce } from './all-reduce.ts';
import type { TokenWindows } from './byte-llama.ts';
import type { LossGradientOf } from './trainer.ts';

interface Place {
  readonly rank: number;
  readonly ranks: number;
  /** Sums of one number more than there are weights: the loss comes with the gradient. */
  readonly allReduce: AllReduce;
}

/** One rank's view of a training that is spread over several. */
interface DataParallel {
  /** Loss and gradient of the whole batch, of which this rank works on its own part only. */
  readonly lossGradientOf: LossGradientOf;
  /** How long the last exchange took, milliseconds; waiting for the other ranks is part of it. */
  readonly commMs: () => number;
}

/** Spreads the work on each batch over ranks that then take the mean of their losses and gradients. */
export function dataParallel(own: LossGradientOf, { rank, ranks, allReduce }: Place): DataParallel {
  let commMs = 0;
  return {
    commMs: () => commMs,
    async lossGradientOf(weights, windows) {
      const part = await own(weights, partOf(windows, rank, ranks));
      const startMs = performance.now();
      const size = part.gradient.length;
      const values = new Float32Array(size + 1);
      values.set(part.gradient);
      values[size] = part.loss;
      await allReduce(values);
      commMs = performance.now() - startMs;
      const mean = values.map((value) => value / ranks);
      return { loss: mean[size] ?? Number.NaN, gradient: mean.subarray(0, size) };
    },
  };
}

function partOf(windows: TokenWindows, rank: number, ranks: number): TokenWindows {
  const size = windows.length / ranks;
  // Parts of different sizes would need weights in the mean.
  if (!Number.isInteger(size)) throw new RangeError(`${windows.length} windows cannot be shared by ${ranks} ranks`);
  return windows.slice(rank * size, (rank + 1) * size);
}
