import { WorkloadFailure } from '../../evidence/failure.ts';
import type { ParseContext, WorkloadResult } from '../../lifecycle/adapter.ts';
import { plainLine, readRoleLogs } from '../shared/role-logs.ts';
import { collectSteps, settleSteps } from '../shared/training/steps.ts';
import type { StepLine } from '../shared/training/steps.ts';
import { summarizeSteps } from '../shared/training/summarize.ts';
import { writeSteps } from '../shared/training/write-steps.ts';

const LINE = /^step=(\d+) loss=(\S+) time_ms=(\d+(?:\.\d+)?)$/;

/** `step=3 loss=2.31 time_ms=12.5`; null for any other line. */
export function parseStep(line: string): StepLine | null {
  const [, step, loss, time] = LINE.exec(plainLine(line)) ?? [];
  if (step === undefined || loss === undefined || time === undefined) return null;
  return { step: Number(step), tsMs: null, rank: null, values: { loss: Number(loss), step_time_ms: Number(time) } };
}

/** Reads the steps off the worker's log; the first one compiles, and its time is none of the others. */
export async function parseToy(context: ParseContext): Promise<WorkloadResult> {
  const logs = await readRoleLogs(context, 'worker');
  const series = settleSteps(collectSteps(logs, parseStep), { warmupSteps: 1 });
  if (series.length === 0) {
    const last = logs.flatMap(({ lines }) => lines).slice(-5);
    throw new WorkloadFailure('parse_failure', 'no log has a step line, `step=1 loss=2.5 time_ms=12`', last);
  }
  writeSteps(context.writer, series, Date.parse(context.run.timestamp_start));
  return { ...summarizeSteps(series), applied: {}, frameworkVersions: {} };
}
