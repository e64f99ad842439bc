import type { ParseContext, WorkloadResult } from '../../lifecycle/adapter.ts';
import { zoneOffsetMs } from '../shared/local-stamps.ts';
import { readRoleLogs } from '../shared/role-logs.ts';
import type { RoleLog } from '../shared/role-logs.ts';
import { requireSteps } from '../shared/training/require-steps.ts';
import { collectSteps, settleSteps } from '../shared/training/steps.ts';
import type { TrainingStep } from '../shared/training/steps.ts';
import { summarizeSteps } from '../shared/training/summarize.ts';
import { writeSteps } from '../shared/training/write-steps.ts';
import { appliedOf } from './applied.ts';
import { parseStamp, parseStep, parseValidation } from './lines.ts';
import type { Job } from './lines.ts';
import { dataRanks, torchtitanParams } from './params.ts';
import type { TorchtitanParams } from './params.ts';
import { readStartup } from './startup-lines.ts';
import type { Startup } from './startup-lines.ts';

// The first line of a start is of its first step, which compiles and allocates.
const WARMUP_LINES = 1;

/** Reads the logs of a training with torchtitan, one per node. */
export async function parseTorchtitan(context: ParseContext): Promise<WorkloadResult> {
  const { run, writer } = context;
  const params = torchtitanParams.parse(run.params);
  const logs = await readRoleLogs(context, 'worker');
  const startups = logs.map(({ lines }) => readStartup(lines));
  const startup = startups.find(({ batch }) => batch !== null) ?? startups[0] ?? readStartup([]);
  const startedAtMs = Date.parse(run.timestamp_start);
  const job = jobOf(params, startup);
  const steps = logs.flatMap((log) =>
    stepsOf(log, { ...job, firstRank: (job.devices / logs.length) * log.index }, startedAtMs),
  );
  requireSteps(logs, steps);
  const series = settleSteps(steps, { warmupSteps: WARMUP_LINES });
  writeSteps(writer, series, startedAtMs);
  const evalLosses = logs.map((log) => writeValidations(writer, log, startedAtMs));
  const summary = summarizeSteps(series);
  return {
    ...summary,
    scalars: {
      ...summary.scalars,
      eval_loss_final: evalLosses.find((losses) => losses.length > 0)?.at(-1) ?? null,
      checkpoint_save_mean_s: mean(startup.savedS),
      checkpoint_load_mean_s: mean(startup.loadedS),
      devices: job.devices,
    },
    applied: appliedOf(params, startup),
    frameworkVersions: startup.versions,
  };
}

function jobOf(params: TorchtitanParams, { batch }: Startup): Omit<Job, 'firstRank'> {
  const ranks = dataRanks(params);
  const { pipeline_parallel_degree: stages, context_parallel_degree: cp, tensor_parallel_degree: tp } = params;
  const sequences = batch?.global ?? params.global_batch_size ?? params.local_batch_size * ranks;
  return {
    devices: ranks * stages * cp * tp,
    tokensPerStep: sequences * (batch?.seqLen ?? params.seq_len),
    isPipelined: stages > 1,
  };
}

function stepsOf(log: RoleLog, job: Job, startedAtMs: number): readonly TrainingStep[] {
  const offsetMs = offsetOf(log, startedAtMs);
  return collectSteps([log], (line) => {
    const step = parseStep(line, job);
    return step === null || step.tsMs === null ? step : { ...step, tsMs: step.tsMs - offsetMs };
  });
}

function writeValidations(writer: ParseContext['writer'], log: RoleLog, startedAtMs: number): readonly number[] {
  const { role, host, lines } = log;
  const offsetMs = offsetOf(log, startedAtMs);
  return lines.flatMap((line) => {
    const validation = parseValidation(line);
    if (validation === null) return [];
    const { step, loss } = validation;
    const tsMs = (parseStamp(line) ?? startedAtMs + offsetMs) - offsetMs;
    writer.point({ step, tsMs, metric: 'eval_loss', value: loss, role, host, rank: null });
    return [loss];
  });
}

function offsetOf({ lines }: RoleLog, startedAtMs: number): number {
  const first = lines.reduce<number | null>((found, line) => found ?? parseStamp(line), null);
  return first === null ? 0 : zoneOffsetMs(first, startedAtMs);
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((a, b) => a + b) / values.length;
}
