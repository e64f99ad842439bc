#!/usr/bin/env node
import { Worker } from 'node:worker_threads';
import { AssayError, messageOf } from '../../core/errors.ts';
import { allocateSum } from './all-reduce.ts';
import { readCorpus } from './corpus.ts';
import { faultsOf } from './faults.ts';
import { jaxVersion } from './jax-runtime.ts';
import { sha256Hex } from './pack-model.ts';
import type { RankJob } from './rank.ts';
import { tinyRecipe, tinyShape, type TrainingRecipe } from './recipe.ts';
import { weightCount, weightLayout } from './weights.ts';
import { parseWorkerArgv, type WorkerOptions } from './worker-argv.ts';
import { renderLine, type WorkerLine } from './worker-lines.ts';

const RANK = new URL('./rank-main.js', import.meta.url);

/**
 * Trains with each rank in a thread of its own and prints what they report. This thread only listens, so that a signal
 * ends the process at once, however long a rank computes.
 */
async function main(): Promise<void> {
  const options = parseWorkerArgv(process.argv.slice(2));
  const { ranks } = options;
  const corpus = await readCheckedCorpus(options);
  const parameters = weightCount(weightLayout(tinyShape));
  const faults = Array.from({ length: ranks }, (_, rank) => faultsOf(process.env, rank));
  print({
    event: 'start',
    ranks,
    parameters,
    corpus_sha256: sha256Hex(corpus),
    jax_js: jaxVersion(),
    node: process.version,
  });
  // The loss travels with the gradient.
  const shared = { ranks, corpus, recipe: recipeOf(options), sum: allocateSum(ranks, parameters + 1) };
  const out = options.out ?? null;
  await Promise.all(faults.map((own, rank) => runThread({ ...shared, rank, faults: own, out })));
}

/** Settles when the rank has done its part; rejects when it died. */
function runThread(job: RankJob): Promise<void> {
  return new Promise((resolve, reject) => {
    const thread = new Worker(RANK, { workerData: job });
    thread.on('message', print);
    thread.once('error', (cause) => reject(new RankDied(job.rank, reasonOf(cause))));
    thread.once('exit', (code) => {
      if (code === 0) resolve();
      else reject(new RankDied(job.rank, `its thread ended with code ${code}`));
    });
  });
}

class RankDied extends AssayError {
  constructor(rank: number, why: string) {
    super('SETUP_FAILED', `rank ${rank} died: ${why}`);
  }
}

// What is thrown in a thread arrives without its class, but with its name.
function reasonOf(thrown: unknown): string {
  const isKnown = thrown instanceof Error && thrown.name === 'AssayError';
  return isKnown || !(thrown instanceof Error) ? messageOf(thrown) : (thrown.stack ?? thrown.message);
}

async function readCheckedCorpus({ corpus: folder, corpusSha256: expected }: WorkerOptions): Promise<string> {
  const text = await readCorpus(folder);
  const actual = sha256Hex(text);
  if (expected === undefined || actual === expected) return text;
  throw new AssayError('SETUP_FAILED', `the text of ${folder} has sha256 ${actual}, the config expects ${expected}`);
}

function recipeOf(options: WorkerOptions): TrainingRecipe {
  return {
    seed: options.seed,
    steps: options.steps,
    windowLength: options.sequenceLength,
    windowsPerStep: options.microBatchSize * options.ranks,
    peakLearningRate: options.learningRate,
    warmupSteps: options.warmupSteps,
    finalLearningRateShare: options.finalLearningRateShare,
    weightDecay: options.weightDecay,
    maxGradNorm: options.maxGradNorm,
    heldOutWindowLength: options.heldOutWindowLength,
    finalLossSteps: tinyRecipe.finalLossSteps,
  };
}

function print(line: WorkerLine): void {
  process.stdout.write(`${renderLine(line)}\n`);
}

function fail(error: unknown): never {
  const isKnown = error instanceof AssayError;
  const what = isKnown ? error.message : `this is a bug: ${error instanceof Error ? error.stack : String(error)}`;
  process.stderr.write(
    `assay-jax-js: error: ${what}${isKnown && error.hint !== undefined ? ` - ${error.hint}` : ''}\n`,
  );
  // The other ranks would wait for the dead one for ever.
  process.exit(error instanceof AssayError && error.code === 'USAGE' ? 2 : 1);
}

main().catch(fail);
