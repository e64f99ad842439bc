import { createHash } from 'node:crypto';
import { encodeGguf } from '../shared/gguf.ts';
import { byteLlamaMetadata, byteTokens, byteVocabularySize, type LlamaShape } from '../shared/gguf-llama.ts';
import { type ModelCard, modelCardSchema } from '../shared/model-card.ts';
import { createAdam } from './adam.ts';
import { consecutiveWindows, seededBatches } from './batches.ts';
import { type ByteLlama, createByteLlama } from './byte-llama.ts';
import { splitCorpus } from './corpus.ts';
import { mean, windowNlls } from './evaluate.ts';
import { jaxVersion, loadJax } from './jax-runtime.ts';
import { cosineSchedule, train, type TrainingStep } from './trainer.ts';
import { initialWeights, viewOf, weightCount, weightLayout } from './weights.ts';

const modelName = 'byte-llama';

/** The architecture of the committed model. */
const tinyShape: LlamaShape = {
  layers: 2,
  width: 128,
  heads: 4,
  feedForward: 352,
  contextLength: 512,
  ropeBase: 10_000,
  normEpsilon: 1e-5,
};

/** How the committed model is trained; every number that decides its weights besides the corpus. */
export const tinyRecipe = {
  seed: 1,
  steps: 1200,
  windowLength: 512,
  windowsPerStep: 2,
  peakLearningRate: 3e-3,
  warmupSteps: 50,
  finalLearningRateShare: 0.05,
  weightDecay: 0.1,
  maxGradNorm: 1,
  heldOutWindowLength: 256,
  finalLossSteps: 50,
};

/** The numbers of one training. */
type TrainingRecipe = typeof tinyRecipe;

/** A trained model as files: contents by role, nothing written yet. */
export interface TinyModel {
  readonly gguf: Uint8Array;
  readonly card: ModelCard;
  readonly heldOut: string;
}

interface MakeOptions {
  readonly corpus: string;
  readonly recipe: TrainingRecipe;
  /** Called after every step. */
  readonly onStep: (step: TrainingStep) => void;
  /** Aborting stops the training after the step that is running. */
  readonly signal: AbortSignal;
}

/** Trains the tiny model on a corpus and judges it on the held-out part; undefined when aborted. */
export async function makeTinyModel(options: MakeOptions): Promise<TinyModel | undefined> {
  const { training, heldOut } = splitCorpus(options.corpus);
  const model = createByteLlama(await loadJax(), tinyShape);
  const weights = initialWeights(tinyShape, options.recipe.seed);

  const startMs = performance.now();
  const losses: number[] = [];
  for await (const step of trainingSteps({ ...options, model, weights, training })) {
    losses.push(step.loss);
    options.onStep(step);
    if (options.signal.aborted) return undefined;
  }
  const durationMs = performance.now() - startMs;

  const windows = consecutiveWindows(tokensOf(heldOut), options.recipe.heldOutWindowLength);
  const nlls = await windowNlls(model, weights, windows);
  const gguf = encodeModel(weights);
  const card = describeModel({ ...options, gguf, heldOut, nlls, losses, durationMs });
  return { gguf, card, heldOut };
}

interface TrainingInputs extends MakeOptions {
  readonly model: ByteLlama;
  readonly weights: Float32Array;
  readonly training: string;
}

function trainingSteps({ model, weights, training, recipe }: TrainingInputs): AsyncGenerator<TrainingStep, void> {
  const { seed, steps, windowLength, windowsPerStep, warmupSteps, weightDecay, maxGradNorm } = recipe;
  return train({
    weights,
    steps,
    maxGradNorm,
    batchAt: seededBatches(tokensOf(training), { windowLength, windows: windowsPerStep, seed }),
    lossGradientOf: model.lossGradient,
    applyGradient: createAdam(weights.length, { weightDecay }),
    learningRateAt: cosineSchedule({
      peak: recipe.peakLearningRate,
      finalShare: recipe.finalLearningRateShare,
      steps,
      warmupSteps,
    }),
  });
}

function encodeModel(weights: Float32Array): Uint8Array {
  const tensors = weightLayout(tinyShape).map((slice) => ({
    name: slice.name,
    shape: slice.shape,
    data: viewOf(weights, slice),
  }));
  return encodeGguf({ metadata: byteLlamaMetadata(modelName, tinyShape), tensors });
}

interface Outcome extends MakeOptions {
  readonly gguf: Uint8Array;
  readonly heldOut: string;
  readonly nlls: readonly number[];
  readonly losses: readonly number[];
  readonly durationMs: number;
}

function describeModel({ corpus, recipe, gguf, heldOut, nlls, losses, durationMs }: Outcome): ModelCard {
  const { contextLength, ...architecture } = tinyShape;
  const nll = mean(nlls);
  return modelCardSchema.parse({
    schemaVersion: 1,
    name: modelName,
    file: `${modelName}.gguf`,
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
      file: 'heldout.txt',
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

function tokensOf(text: string): Int32Array {
  return byteTokens(Buffer.from(text, 'utf8'));
}

function sha256Hex(content: Uint8Array | string): string {
  return createHash('sha256').update(content).digest('hex');
}
