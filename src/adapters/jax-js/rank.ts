import { AssayError } from '../../core/errors.ts';
import { joinSum, type SharedSum } from './all-reduce.ts';
import { consecutiveWindows } from './batches.ts';
import { type ByteLlama, createByteLlama } from './byte-llama.ts';
import { splitCorpus } from './corpus.ts';
import { dataParallel } from './data-parallel.ts';
import { mean, windowNlls } from './evaluate.ts';
import { type Faults, withFaults } from './faults.ts';
import { loadJax } from './jax-runtime.ts';
import { writeModelFiles } from './model-files.ts';
import { packModel, sha256Hex } from './pack-model.ts';
import { recipeSteps, tokensOf } from './recipe-steps.ts';
import { tinyShape, type TrainingRecipe } from './recipe.ts';
import type { TrainingStep } from './trainer.ts';
import { initialWeights } from './weights.ts';
import type { StepFigures, WorkerLine } from './worker-lines.ts';

/** What one rank is told; plain data that crosses a thread border. */
export interface RankJob {
  readonly rank: number;
  readonly ranks: number;
  readonly corpus: string;
  readonly recipe: TrainingRecipe;
  /** The sums of gradient and loss. */
  readonly sum: SharedSum;
  readonly faults: Faults;
  /** The folder that rank 0 leaves the model in; null for none. */
  readonly out: string | null;
}

/** Takes a line that is to be printed. */
export type Report = (line: WorkerLine) => void;

/** A training that has ended. */
interface Trained {
  readonly weights: Float32Array;
  readonly losses: readonly number[];
  readonly durationMs: number;
}

/** Does one rank's part of a training; rank 0 then judges the weights, and leaves them. */
export async function runRank(job: RankJob, report: Report): Promise<void> {
  const model = createByteLlama(await loadJax(), tinyShape);
  const { training, heldOut } = splitCorpus(job.corpus);
  const trained = await trainRank({ ...job, model, training }, report);
  const { buffer, byteOffset, byteLength } = trained.weights;
  report({ event: 'weights', rank: job.rank, sha256: sha256Hex(new Uint8Array(buffer, byteOffset, byteLength)) });
  if (job.rank === 0) await judge({ ...job, ...trained, model, heldOut }, report);
}

type Training = RankJob & { readonly model: ByteLlama; readonly training: string };

async function trainRank({ model, training, faults, recipe, ...job }: Training, report: Report): Promise<Trained> {
  const { rank, ranks } = job;
  const weights = initialWeights(tinyShape, recipe.seed);
  const own = withFaults(model.lossGradient, faults);
  const parallel = dataParallel(own, { rank, ranks, allReduce: joinSum(job.sum, rank) });
  const losses: number[] = [];
  const startMs = performance.now();
  for await (const step of recipeSteps({ recipe, weights, training, lossGradientOf: parallel.lossGradientOf })) {
    losses.push(step.loss);
    report(figuresOf(step, { ...job, recipe, commMs: parallel.commMs() }));
  }
  return { weights, losses, durationMs: performance.now() - startMs };
}

type Measured = Pick<RankJob, 'rank' | 'ranks' | 'recipe'> & { readonly commMs: number };

function figuresOf(step: TrainingStep, { rank, ranks, recipe, commMs }: Measured): StepFigures {
  const { stepTimeMs } = step;
  const tokens = recipe.windowsPerStep * recipe.windowLength;
  return {
    event: 'step',
    step: step.step,
    rank,
    ts_ms: Date.now(),
    loss: step.loss,
    grad_norm: step.gradNorm,
    learning_rate: step.learningRate,
    step_time_ms: stepTimeMs,
    comm_ms: commMs,
    compute_ms: stepTimeMs - commMs,
    tokens: tokens / ranks,
    tokens_per_second: (tokens / stepTimeMs) * 1000,
  };
}

type Outcome = RankJob & Trained & { readonly model: ByteLlama; readonly heldOut: string };

async function judge({ model, heldOut, out, ...trained }: Outcome, report: Report): Promise<void> {
  const { heldOutWindowLength } = trained.recipe;
  const windows = consecutiveWindows(tokensOf(heldOut), heldOutWindowLength);
  const nlls = await windowNlls(model, trained.weights, windows);
  const nll = mean(nlls);
  report({ event: 'held_out', nll, windows: windows.length, window_length: heldOutWindowLength });
  if (out === null) return;
  if (!Number.isFinite(nll)) {
    throw new AssayError('SETUP_FAILED', `a model whose held-out loss is ${nll} is not written`);
  }
  const packed = packModel({ ...trained, heldOut, nlls });
  await writeModelFiles(packed, out);
  const { file, sha256, bytes } = packed.card;
  report({ event: 'model', file, sha256, bytes });
}
