import { byteTokens } from '../shared/gguf-llama.ts';
import { createAdam } from './adam.ts';
import { seededBatches } from './batches.ts';
import type { TrainingRecipe } from './recipe.ts';
import { cosineSchedule, train } from './trainer.ts';
import type { LossGradientOf, TrainingStep } from './trainer.ts';

interface RecipeTraining {
  readonly recipe: TrainingRecipe;
  /** Changed in place by every step. */
  readonly weights: Float32Array;
  /** The text that is trained on. */
  readonly training: string;
  readonly lossGradientOf: LossGradientOf;
}

/** Trains as a recipe says: one item per finished step. */
export function recipeSteps(options: RecipeTraining): AsyncGenerator<TrainingStep, void> {
  const { recipe, weights, training, lossGradientOf } = options;
  const { seed, steps, windowLength, windowsPerStep, warmupSteps, weightDecay, maxGradNorm } = recipe;
  return train({
    weights,
    steps,
    maxGradNorm,
    batchAt: seededBatches(tokensOf(training), { windowLength, windows: windowsPerStep, seed }),
    lossGradientOf,
    applyGradient: createAdam(weights.length, { weightDecay }),
    learningRateAt: cosineSchedule({
      peak: recipe.peakLearningRate,
      finalShare: recipe.finalLearningRateShare,
      steps,
      warmupSteps,
    }),
  });
}

/** The tokens of a text, one for each byte of its UTF-8 form. */
export function tokensOf(text: string): Int32Array {
  return byteTokens(Buffer.from(text, 'utf8'));
}
