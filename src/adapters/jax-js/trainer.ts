import { setImmediate } from 'node:timers/promises';
import type { ApplyGradient } from './adam.ts';
import type { BatchAt } from './batches.ts';
import type { LossGradient, TokenWindows } from './byte-llama.ts';

/** Loss and gradient of one batch. A data-parallel rank wraps it with the exchange of gradients. */
export type LossGradientOf = (weights: Float32Array, windows: TokenWindows) => Promise<LossGradient>;

/** Learning rate of a step. */
export type Schedule = (step: number) => number;

/** What one training step measured. */
export interface TrainingStep {
  /** Counts from 0. */
  readonly step: number;
  /** Mean negative log-likelihood of the batch before the update, nats per token. */
  readonly loss: number;
  /** Euclidean length of the gradient before clipping. */
  readonly gradNorm: number;
  readonly learningRate: number;
  readonly stepTimeMs: number;
}

interface TrainingOptions {
  /** Changed in place by every step. */
  readonly weights: Float32Array;
  readonly steps: number;
  readonly batchAt: BatchAt;
  readonly lossGradientOf: LossGradientOf;
  readonly applyGradient: ApplyGradient;
  readonly learningRateAt: Schedule;
  /** Longest gradient that is applied unscaled. */
  readonly maxGradNorm: number;
}

/** The training loop: one item per finished step. Leaving the loop stops the training between two steps. */
export async function* train(options: TrainingOptions): AsyncGenerator<TrainingStep, void> {
  const { weights, steps, maxGradNorm } = options;
  for (let step = 0; step < steps; step += 1) {
    const startMs = performance.now();
    const { loss, gradient } = await options.lossGradientOf(weights, options.batchAt(step));
    const gradNorm = Math.sqrt(gradient.reduce((sum, value) => sum + value * value, 0));
    if (gradNorm > maxGradNorm) {
      const scale = maxGradNorm / gradNorm;
      gradient.forEach((value, index) => (gradient[index] = value * scale));
    }
    const learningRate = options.learningRateAt(step);
    options.applyGradient(weights, gradient, learningRate);
    yield { step, loss, gradNorm, learningRate, stepTimeMs: performance.now() - startMs };
    // The engine's promises settle without ever leaving the microtask queue: without a pause no signal would be seen.
    await setImmediate();
  }
}

interface CosineOptions {
  readonly peak: number;
  readonly steps: number;
  readonly warmupSteps: number;
  /** Learning rate of the last step as a share of the peak. */
  readonly finalShare: number;
}

/** Linear warm-up to `peak`, then half a cosine down to `finalShare` of it. */
export function cosineSchedule({ peak, steps, warmupSteps, finalShare }: CosineOptions): Schedule {
  return (step) => {
    if (step < warmupSteps) {
      return (peak * (step + 1)) / warmupSteps;
    }
    const progress = Math.min(1, (step - warmupSteps) / Math.max(1, steps - 1 - warmupSteps));
    return peak * (finalShare + (1 - finalShare) * 0.5 * (1 + Math.cos(Math.PI * progress)));
  };
}
