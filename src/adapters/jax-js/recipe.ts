import type { LlamaShape } from '../shared/gguf-llama.ts';

/** The name of every model that is trained here. */
export const modelName = 'byte-llama';

/** The files of a trained model: the weights, what they are, and the text that judged them. */
export const modelFiles = { gguf: `${modelName}.gguf`, card: `${modelName}.json`, heldOut: 'heldout.txt' } as const;

/** The architecture of every model that is trained here, the committed one among them. */
export const tinyShape: LlamaShape = {
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
  /** Of all ranks together. */
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
export type TrainingRecipe = typeof tinyRecipe;
