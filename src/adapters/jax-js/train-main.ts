import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { AssayError, messageOf } from '../../core/errors.ts';
import { readCorpus } from './corpus.ts';
import { replaceFile, writeModelFiles } from './model-files.ts';
import { renderModelReadme } from './model-readme.ts';
import { tinyRecipe } from './recipe.ts';
import { makeTinyModel } from './tiny-model.ts';
import type { TrainingStep } from './trainer.ts';

const printEvery = 25;

/** Trains the tiny model and writes its files; an interrupt stops after the running step and writes nothing. */
async function main(): Promise<number> {
  const { corpus, out, steps } = readOptions();
  const interrupt = new AbortController();
  process.once('SIGINT', () => interrupt.abort());

  const model = await makeTinyModel({
    corpus: await readCorpus(corpus),
    recipe: { ...tinyRecipe, steps },
    signal: interrupt.signal,
    onStep: (step) => {
      if (step.step % printEvery === 0 || step.step === steps - 1) print(progressLine(step, steps));
    },
  });
  if (model === undefined) {
    print('stopped; no file was changed');
    return 130;
  }
  await writeModelFiles(model, out);
  await replaceFile(join(out, 'README.md'), renderModelReadme(model.card));
  const { training, heldOut, sha256, file } = model.card;
  print(`${join(out, file)} sha256 ${sha256}`);
  print(`training loss ${training.finalLoss.toFixed(4)}, held-out ${heldOut.nll.toFixed(4)} nats per byte`);
  return 0;
}

const options = {
  corpus: { type: 'string', default: 'fixtures/models/corpus' },
  out: { type: 'string', default: 'fixtures/models' },
  steps: { type: 'string', default: String(tinyRecipe.steps) },
} as const;

function readOptions(): { corpus: string; out: string; steps: number } {
  const values = parseOptions();
  const steps = Number(values.steps);
  if (!Number.isInteger(steps) || steps < 1) {
    throw new AssayError('USAGE', `--steps ${values.steps} is not a whole number above 0`);
  }
  return { ...values, steps };
}

function parseOptions(): { corpus: string; out: string; steps: string } {
  try {
    return parseArgs({ options }).values;
  } catch (cause) {
    throw new AssayError('USAGE', messageOf(cause), { hint: 'the options are --corpus, --out and --steps', cause });
  }
}

function progressLine({ step, loss, gradNorm, learningRate, stepTimeMs }: TrainingStep, steps: number): string {
  return [
    `step ${String(step + 1).padStart(4)}/${steps}`,
    `loss ${loss.toFixed(4)}`,
    `grad_norm ${gradNorm.toFixed(3)}`,
    `lr ${learningRate.toExponential(2)}`,
    `${stepTimeMs.toFixed(0)} ms`,
    step === 0 ? 'first step compiles' : `${(((steps - step - 1) * stepTimeMs) / 60_000).toFixed(1)} min left`,
  ].join('  ');
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof AssayError)) throw error;
  process.stderr.write(`${error.message}\n${error.hint === undefined ? '' : `${error.hint}\n`}`);
  process.exitCode = 2;
}
