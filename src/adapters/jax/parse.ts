import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { RUN_FILES } from '../../evidence/run-folder.ts';
import { readArtifact } from '../../lifecycle/artifact.ts';
import type { ParseContext, WorkloadResult } from '../../lifecycle/adapter.ts';
import { stampOffsetMs } from '../shared/local-stamps.ts';
import { readRoleLogs } from '../shared/role-logs.ts';
import type { RoleLog } from '../shared/role-logs.ts';
import { requireSteps } from '../shared/training/require-steps.ts';
import { collectSteps, settleSteps } from '../shared/training/steps.ts';
import type { TrainingStep } from '../shared/training/steps.ts';
import { summarizeSteps } from '../shared/training/summarize.ts';
import { writeSteps } from '../shared/training/write-steps.ts';
import { appliedOf } from './applied.ts';
import { parseCheckpoint } from './checkpoint-lines.ts';
import type { Checkpoint } from './checkpoint-lines.ts';
import { parseEvaluation, parseStamp, parseStep } from './lines.ts';
import { jaxParams } from './params.ts';
import { readStartup } from './startup-lines.ts';
import { hasOptionsDump, XLA_OPTIONS } from './xla-flags.ts';

// The first step compiles, and the time of the second is that of handing it to the GPUs: it is not waited for.
const WARMUP_STEPS = 2;

/** Reads the logs of a training with MaxText, one per node. */
export async function parseJax(context: ParseContext): Promise<WorkloadResult> {
  const { run, writer } = context;
  const { tp, pp, dp, fsdp, xla_flags: flags = {} } = jaxParams.parse(run.params);
  const logs = await readRoleLogs(context, 'worker');
  const startup = readStartup(logs[0]?.lines ?? []);
  const devices = startup.devices ?? tp * pp * dp * fsdp;
  const startedAtMs = Date.parse(run.timestamp_start);
  const clocks = logs.map((log) => ({ log, clock: clockOf(run, log) }));
  const steps = clocks.flatMap(({ log, clock }) =>
    collectSteps([log], (line) => {
      const step = parseStep(line, devices);
      return step === null ? null : { ...step, tsMs: clock(line) };
    }),
  );
  requireSteps(logs, steps);
  const series = settleSteps(steps, { warmupSteps: WARMUP_STEPS });
  writeSteps(writer, series, startedAtMs);
  const evaluations = clocks.map(({ log, clock }) =>
    writeEvaluations(writer, log, (line) => clock(line) ?? startedAtMs),
  );
  const checkpoints = clocks.flatMap(({ log, clock }) =>
    writeCheckpoints(writer, log, (line) => clock(line) ?? startedAtMs),
  );
  const summary = summarizeSteps(series);
  return {
    ...summary,
    scalars: {
      ...summary.scalars,
      restarts: Math.max(0, ...logs.map((log) => restartsIn(steps.filter(({ host }) => host === log.host)))),
      eval_loss_final: evaluations.find((losses) => losses.length > 0)?.at(-1) ?? null,
      checkpoint_save_mean_s: meanSeconds(checkpoints, 'save'),
      checkpoint_load_mean_s: meanSeconds(checkpoints, 'load'),
      devices,
    },
    applied: appliedOf(run, startup, hasOptionsDump(flags) ? await readXlaOptions(context.folder) : null),
    frameworkVersions: startup.versions,
  };
}

/** Milliseconds since the Unix epoch of the lines of a log; null for a line without a stamp. */
type Clock = (line: string) => number | null;

function clockOf(run: ParseContext['run'], log: RoleLog): Clock {
  const startedAtMs = Date.parse(run.timestamp_start);
  const stampOf: Clock = (line) => parseStamp(line, startedAtMs);
  const offsetMs = stampOffsetMs(run, log, stampOf);
  return (line) => {
    const stamp = stampOf(line);
    return stamp === null ? null : stamp - offsetMs;
  };
}

function writeEvaluations(
  writer: ParseContext['writer'],
  { role, host, lines }: RoleLog,
  clock: (line: string) => number,
): readonly number[] {
  return lines.flatMap((line) => {
    const evaluation = parseEvaluation(line);
    if (evaluation === null) return [];
    const { step, loss } = evaluation;
    writer.point({ step, tsMs: clock(line), metric: 'eval_loss', value: loss, role, host, rank: null });
    return [loss];
  });
}

function writeCheckpoints(
  writer: ParseContext['writer'],
  { role, host, lines }: RoleLog,
  clock: (line: string) => number,
): readonly Checkpoint[] {
  return lines.flatMap((line) => {
    const checkpoint = parseCheckpoint(line);
    if (checkpoint === null) return [];
    const { kind, step, seconds } = checkpoint;
    const metric = `checkpoint_${kind}_s`;
    if (step !== null) writer.point({ step, tsMs: clock(line), metric, value: seconds, role, host, rank: null });
    return [checkpoint];
  });
}

function meanSeconds(checkpoints: readonly Checkpoint[], kind: Checkpoint['kind']): number | null {
  const seconds = checkpoints.filter((one) => one.kind === kind).map((one) => one.seconds);
  return seconds.length === 0 ? null : seconds.reduce((a, b) => a + b) / seconds.length;
}

/** How often a training went back to an earlier step, as an elastic one does from its last checkpoint. */
function restartsIn(steps: readonly TrainingStep[]): number {
  return steps.filter(({ step }, index) => step < (steps[index - 1]?.step ?? -1)).length;
}

async function readXlaOptions(folder: string): Promise<string | null> {
  const attachments = join(folder, RUN_FILES.attachments, XLA_OPTIONS.folder);
  const names = await readdir(attachments).catch((): string[] => []);
  const last = names.toSorted().at(-1);
  return last === undefined ? null : readArtifact(join(attachments, last));
}
