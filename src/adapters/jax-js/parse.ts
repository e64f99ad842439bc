import { join } from 'node:path';
import { messageOf } from '../../core/errors.ts';
import { hashOfFile } from '../../core/hash.ts';
import { WorkloadFailure } from '../../evidence/failure.ts';
import { RUN_FILES } from '../../evidence/run-folder.ts';
import type { ParseContext, WorkloadResult } from '../../lifecycle/adapter.ts';
import { readRoleLogs } from '../shared/role-logs.ts';
import { collectSteps, settleSteps, type TrainingSeries } from '../shared/training/steps.ts';
import { summarizeSteps } from '../shared/training/summarize.ts';
import { writeSteps } from '../shared/training/write-steps.ts';
import { MODEL_FOLDER, WORKER_ROLE } from './launch.ts';
import { jaxJsParams } from './params.ts';
import { parseStepLine } from './step-lines.ts';
import { parseWorkerLine, type WorkerLine } from './worker-lines.ts';

/** The steps that compile the training. */
const WARMUP_STEPS = 1;

/** Reads a training from what its worker printed, and checks the model that it left. */
export async function parseTraining({ folder, run, writer }: ParseContext): Promise<WorkloadResult> {
  const [log] = await readRoleLogs({ folder, run }, WORKER_ROLE);
  const series =
    log === undefined ? [] : settleSteps(collectSteps([log], parseStepLine), { warmupSteps: WARMUP_STEPS });
  if (log === undefined || series.length === 0) {
    throw new WorkloadFailure('parse_failure', 'the log of the worker reports no step', log?.lines.slice(-5));
  }
  const lines = log.lines.map(parseWorkerLine).filter((line) => line !== null);
  writeSteps(writer, series, 0);
  writeOutcome(writer, { lines, series });
  const { scalars, ...window } = summarizeSteps(series);
  const [start] = linesOf('start', lines);
  return {
    scalars: {
      ...scalars,
      ...outcomeScalars(lines),
      model_intact: await checkModel(folder, lines),
    },
    applied: appliedTo(run.params, series),
    frameworkVersions: start === undefined ? {} : { '@jax-js/jax': start.jax_js, node: start.node },
    ...window,
  };
}

type Told<Event> = Extract<WorkerLine, { readonly event: Event }>;

/** The lines that tell one thing. */
function linesOf<Event extends WorkerLine['event']>(
  event: Event,
  lines: readonly WorkerLine[],
): readonly Told<Event>[] {
  return lines.filter((line): line is Told<Event> => line.event === event);
}

/** What is known at the end of a training, as points of its last step. */
function writeOutcome(
  writer: ParseContext['writer'],
  { lines, series }: { readonly lines: readonly WorkerLine[]; readonly series: readonly TrainingSeries[] },
): void {
  for (const { role, host, rank, steps } of series) {
    const last = steps.at(-1);
    if (last === undefined) continue;
    const at = { step: last.step, tsMs: last.tsMs ?? 0, role, host, rank };
    const weights = linesOf('weights', lines).find((line) => line.rank === rank);
    if (weights !== undefined) writer.point({ ...at, metric: 'weights_checksum', value: checksumOf(weights.sha256) });
    const heldOut = rank === 0 ? linesOf('held_out', lines).at(-1) : undefined;
    if (heldOut !== undefined) writer.point({ ...at, metric: 'heldout_nll', value: heldOut.nll });
  }
}

/** The start of a digest as a number that a table can hold exactly. */
function checksumOf(sha256: string): number {
  return Number.parseInt(sha256.slice(0, 12), 16);
}

function outcomeScalars(lines: readonly WorkerLine[]): WorkloadResult['scalars'] {
  const [start] = linesOf('start', lines);
  const [heldOut] = linesOf('held_out', lines);
  const weights = linesOf('weights', lines);
  const digests = new Set(weights.map(({ sha256 }) => sha256));
  return {
    parameters: start?.parameters ?? null,
    weights_agree: weights.length === start?.ranks ? Number(digests.size === 1) : null,
    heldout_nll: heldOut?.nll ?? null,
    heldout_perplexity: heldOut === undefined ? null : Math.exp(heldOut.nll),
  };
}

/** Whether the model that the run kept is the one that the worker wrote; null when it wrote none. */
async function checkModel(folder: string, lines: readonly WorkerLine[]): Promise<number | null> {
  const [model] = linesOf('model', lines);
  if (model === undefined) return null;
  const path = join(folder, RUN_FILES.attachments, MODEL_FOLDER, model.file);
  const actual = await hashOfFile(path).catch((thrown: unknown) => {
    throw new WorkloadFailure('parse_failure', `the model that was trained cannot be read: ${messageOf(thrown)}`);
  });
  return Number(actual === `sha256:${model.sha256}`);
}

function appliedTo(
  params: ParseContext['run']['params'],
  series: readonly TrainingSeries[],
): WorkloadResult['applied'] {
  const { ranks, steps, micro_batch_size: windows, sequence_length: length } = jaxJsParams.parse(params);
  const fewest = series.reduce((least, one) => Math.min(least, one.steps.length), Infinity);
  return {
    ranks: { asked: ranks, applied: series.length },
    steps: { asked: steps, applied: fewest },
    tokens_per_rank: { asked: windows * length, applied: series[0]?.steps[0]?.values['tokens'] ?? null },
  };
}
