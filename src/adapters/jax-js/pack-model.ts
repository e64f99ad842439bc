import { createHash } from 'node:crypto';
import { encodeGguf } from '../shared/gguf.ts';
import { byteLlamaMetadata, byteVocabularySize } from '../shared/gguf-llama.ts';
import { type ModelCard, modelCardSchema } from '../shared/model-card.ts';
import { mean } from './evaluate.ts';
import { jaxVersion } from './jax-runtime.ts';
import { modelFiles, modelName, tinyShape, type TrainingRecipe } from './recipe.ts';
import { viewOf, weightCount, weightLayout } from './weights.ts';

/** A trained model as files: contents by role, nothing written yet. */
export interface TinyModel {
  readonly gguf: Uint8Array;
  readonly card: ModelCard;
  readonly heldOut: string;
}

/** What a training came to. */
interface Outcome {
  readonly corpus: string;
  readonly recipe: TrainingRecipe;
  readonly weights: Float32Array;
  readonly heldOut: string;
  /** Mean negative log-likelihood of each held-out window, nats per token. */
  readonly nlls: readonly number[];
  /** Loss of every step. */
  readonly losses: readonly number[];
  readonly durationMs: number;
}

/** Makes the files of a trained model. */
export function packModel(outcome: Outcome): TinyModel {
  const gguf = encodeModel(outcome.weights);
  return { gguf, card: describeModel(outcome, gguf), heldOut: outcome.heldOut };
}

/** Digest as 64 hex digits. */
export function sha256Hex(content: Uint8Array | string): string {
  return createHash('sha256').update(content).digest('hex');
}

function encodeModel(weights: Float32Array): Uint8Array {
  const tensors = weightLayout(tinyShape).map((slice) => ({
    name: slice.name,
    shape: slice.shape,
    data: viewOf(weights, slice),
  }));
  return encodeGguf({ metadata: byteLlamaMetadata(modelName, tinyShape), tensors });
}

function describeModel({ corpus, recipe, heldOut, nlls, losses, durationMs }: Outcome, gguf: Uint8Array): ModelCard {
  const { contextLength, ...architecture } = tinyShape;
  const nll = mean(nlls);
  return modelCardSchema.parse({
    schemaVersion: 1,
    name: modelName,
    file: modelFiles.gguf,
    sha256: sha256Hex(gguf),
    bytes: gguf.length,
    parameters: weightCount(weightLayout(tinyShape)),
    contextLength,
    architecture: { kind: 'llama', vocabularySize: byteVocabularySize, ...architecture },
    training: {
      engine: '@jax-js/jax',
      engineVersion: jaxVersion(),
      seed: recipe.seed,
      steps: recipe.steps,
      windowLength: recipe.windowLength,
      tokensPerStep: recipe.windowLength * recipe.windowsPerStep,
      peakLearningRate: recipe.peakLearningRate,
      warmupSteps: recipe.warmupSteps,
      finalLearningRateShare: recipe.finalLearningRateShare,
      weightDecay: recipe.weightDecay,
      maxGradNorm: recipe.maxGradNorm,
      corpusSha256: sha256Hex(corpus),
      corpusBytes: Buffer.byteLength(corpus),
      firstLoss: losses[0],
      finalLoss: mean(losses.slice(-recipe.finalLossSteps)),
      finalLossSteps: Math.min(recipe.finalLossSteps, losses.length),
      durationMs: Math.round(durationMs),
    },
    heldOut: {
      file: modelFiles.heldOut,
      sha256: sha256Hex(heldOut),
      windowLength: recipe.heldOutWindowLength,
      windows: nlls.length,
      positions: nlls.length * (recipe.heldOutWindowLength - 1),
      nll,
      perplexity: Math.exp(nll),
      windowNlls: nlls,
    },
  });
}
