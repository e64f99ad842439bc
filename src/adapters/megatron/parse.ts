import { WorkloadFailure } from '../../evidence/failure.ts';
import type { ParseContext, WorkloadResult } from '../../lifecycle/adapter.ts';
import { plainLine, readRoleLogs } from '../shared/role-logs.ts';
import type { RoleLog } from '../shared/role-logs.ts';
import { settleSteps } from '../shared/training/steps.ts';
import type { TrainingSeries, TrainingStep } from '../shared/training/steps.ts';
import { summarizeSteps } from '../shared/training/summarize.ts';
import { writeSteps } from '../shared/training/write-steps.ts';
import { appliedBy } from './applied.ts';
import { readArguments } from './arguments-block.ts';
import { WORKER } from './launch.ts';
import { parseIterationLine } from './iteration-line.ts';
import { readLog } from './log-reader.ts';
import type { MegatronParams } from './options.ts';
import { megatronParams } from './params.ts';
import { tokenScale } from './progress.ts';

/** Megatron's first iteration compiles, and allocates the state of the optimizer. */
const WARMUP_STEPS = 1;
const SNIPPET_LINES = 8;

/** Reads the iterations from the logs of all nodes; only the last rank prints them. */
export async function parse(context: ParseContext): Promise<WorkloadResult> {
  const { run, writer } = context;
  const params = megatronParams.parse(run.params);
  // A node between the first and the last may have nothing to say.
  const logs = await readRoleLogs(context, WORKER, { mayBeSilent: true });
  refuseSilence(logs);
  const series = settleSteps(stepsOf(logs, params), { warmupSteps: WARMUP_STEPS });
  writeSteps(writer, series, Date.parse(run.timestamp_start));
  const summary = summarizeSteps(series);
  const lines = logs.flatMap((log) => log.lines);
  const attention = run.knobs['attention'];
  return {
    ...summary,
    scalars: {
      ...summary.scalars,
      skipped_iterations: total(series, 'skipped_iterations'),
      nan_iterations: total(series, 'nan_iterations'),
    },
    applied: appliedBy({
      params,
      attention: attention === undefined ? undefined : String(attention),
      args: readArguments(lines),
      lines,
    }),
    frameworkVersions: {},
  };
}

function stepsOf(logs: readonly RoleLog[], params: MegatronParams): readonly TrainingStep[] {
  return logs.flatMap(({ role, host, lines }) =>
    readLog(lines, tokenScale(params)).map((step) => ({ ...step, role, host })),
  );
}

function refuseSilence(logs: readonly RoleLog[]): void {
  if (logs.some(({ lines }) => lines.some((line) => parseIterationLine(line) !== null))) return;
  const where = logs.map(({ role, host }) => `logs/${role}.${host}.log`).join(', ');
  const last = logs.flatMap(({ host, lines }) =>
    lines
      .map(plainLine)
      .filter((line) => line.trim() !== '')
      .slice(-SNIPPET_LINES)
      .map((line) => (logs.length === 1 ? line : `${host}: ${line}`)),
  );
  const message = `no line of ${where} reports an iteration (iteration 1/ 20 | ... |) - their last lines say how far Megatron-LM came`;
  throw new WorkloadFailure('parse_failure', message, last);
}

/** Over all steps of the series that counts most of them; null when none does. */
function total(series: readonly TrainingSeries[], metric: string): number | null {
  const counts = series.map(({ steps }) => steps.flatMap(({ values }) => values[metric] ?? []));
  const longest = counts.reduce((a, b) => (b.length > a.length ? b : a), []);
  return longest.length === 0 ? null : longest.reduce((a, b) => a + b);
}
