import { z } from 'zod';

const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/);

/** The machine-readable description of a tiny model: which file it is, how it was made, what it scores. */
export const modelCardSchema = z.strictObject({
  schemaVersion: z.literal(1),
  name: z.string(),
  file: z.string(),
  sha256: sha256Schema,
  bytes: z.int(),
  parameters: z.int(),
  contextLength: z.int(),
  architecture: z.strictObject({
    kind: z.literal('llama'),
    vocabularySize: z.int(),
    layers: z.int(),
    width: z.int(),
    heads: z.int(),
    feedForward: z.int(),
    ropeBase: z.number(),
    normEpsilon: z.number(),
  }),
  training: z.strictObject({
    engine: z.string(),
    engineVersion: z.string(),
    seed: z.int(),
    steps: z.int(),
    windowLength: z.int(),
    tokensPerStep: z.int(),
    peakLearningRate: z.number(),
    warmupSteps: z.int(),
    /** Learning rate of the last step as a share of the peak. */
    finalLearningRateShare: z.number(),
    weightDecay: z.number(),
    maxGradNorm: z.number(),
    corpusSha256: sha256Schema,
    corpusBytes: z.int(),
    /** Loss of the first step, nats per byte. */
    firstLoss: z.number(),
    /** Mean loss of the last `finalLossSteps` steps, nats per byte. */
    finalLoss: z.number(),
    finalLossSteps: z.int(),
    durationMs: z.number(),
  }),
  heldOut: z.strictObject({
    file: z.string(),
    sha256: sha256Schema,
    /** Windows are consecutive slices of `windowLength` bytes from the start of the file, without overlap. */
    windowLength: z.int(),
    windows: z.int(),
    /** Predicted bytes: each window predicts its bytes 1..n-1, with no token before byte 0. */
    positions: z.int(),
    /** Mean negative log-likelihood over all positions, nats per byte. */
    nll: z.number(),
    /** exp(nll), per byte. */
    perplexity: z.number(),
    /** Mean negative log-likelihood of each window, nats per byte. */
    windowNlls: z.array(z.number()),
  }),
});

/** The description of a tiny model as its `.json` file holds it. */
export type ModelCard = z.infer<typeof modelCardSchema>;
