import { consecutiveWindows } from './batches.ts';
import { createByteLlama } from './byte-llama.ts';
import { splitCorpus } from './corpus.ts';
import { windowNlls } from './evaluate.ts';
import { loadJax } from './jax-runtime.ts';
import { packModel, type TinyModel } from './pack-model.ts';
import { recipeSteps, tokensOf } from './recipe-steps.ts';
import { tinyShape, type TrainingRecipe } from './recipe.ts';
import type { TrainingStep } from './trainer.ts';
import { initialWeights } from './weights.ts';

interface MakeOptions {
  readonly corpus: string;
  readonly recipe: TrainingRecipe;
  /** Called after every step. */
  readonly onStep: (step: TrainingStep) => void;
  /** Aborting stops the training after the step that is running. */
  readonly signal: AbortSignal;
}

/** Trains the tiny model on a corpus and judges it on the held-out part; undefined when aborted. */
export async function makeTinyModel({ corpus, recipe, ...options }: MakeOptions): Promise<TinyModel | undefined> {
  const { training, heldOut } = splitCorpus(corpus);
  const model = createByteLlama(await loadJax(), tinyShape);
  const weights = initialWeights(tinyShape, recipe.seed);

  const startMs = performance.now();
  const losses: number[] = [];
  for await (const step of recipeSteps({ recipe, weights, training, lossGradientOf: model.lossGradient })) {
    losses.push(step.loss);
    options.onStep(step);
    if (options.signal.aborted) return undefined;
  }
  const durationMs = performance.now() - startMs;

  const windows = consecutiveWindows(tokensOf(heldOut), recipe.heldOutWindowLength);
  const nlls = await windowNlls(model, weights, windows);
  return packModel({ corpus, recipe, weights, heldOut, nlls, losses, durationMs });
}
