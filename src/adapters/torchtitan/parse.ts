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
  const clocks = logs.map((log) => ({ log, offsetMs: stampOffsetMs(run, log, parseStamp) }));
  const steps = clocks.flatMap(({ log, offsetMs }) =>
    stepsOf(log, { ...job, firstRank: (job.devices / logs.length) * log.index }, offsetMs),
  );
  requireSteps(logs, steps);
  const series = settleSteps(steps, { warmupSteps: WARMUP_LINES });
  writeSteps(writer, series, startedAtMs);
  const evalLosses = clocks.map(({ log, offsetMs }) =>
    writeValidations(writer, log, (line) => {
      const stamp = parseStamp(line);
      return stamp === null ? startedAtMs : stamp - offsetMs;
    }),
  );
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

function stepsOf(log: RoleLog, job: Job, offsetMs: number): readonly TrainingStep[] {
  return collectSteps([log], (line) => {
    const step = parseStep(line, job);
    return step === null || step.tsMs === null ? step : { ...step, tsMs: step.tsMs - offsetMs };
  });
}

function writeValidations(
  writer: ParseContext['writer'],
  { role, host, lines }: RoleLog,
  clock: (line: string) => number,
): readonly number[] {
  return lines.flatMap((line) => {
    const validation = parseValidation(line);
    if (validation === null) return [];
    const { step, loss } = validation;
    writer.point({ step, tsMs: clock(line), metric: 'eval_loss', value: loss, role, host, rank: null });
    return [loss];
  });
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((a, b) => a + b) / values.length;
}
