// What adapters of trainings share. A line parser of the framework makes `StepLine`s, pure; then
//
//   watch:  watchTraining({ total, parseLine, onStep })                         watch.ts
//   parse:  const series = settleSteps(collectSteps(logs, parseLine), { warmupSteps: 1 })
//           writeSteps(context.writer, series, startedAtMs)                     write-steps.ts
//           const { scalars, startedAtMs, durationMs } = summarizeSteps(series) summarize.ts
import { groupBy } from '../../../core/group-by.ts';
import type { LineSource } from '../program.ts';
import type { RoleLog } from '../role-logs.ts';

/** What one printed line says of a finished step. */
export interface StepLine {
  /** As the framework counts. */
  readonly step: number;
  /** The line's own time stamp, milliseconds since the Unix epoch. */
  readonly tsMs: number | null;
  /** The rank that printed it, or that it is about; null where the line does not say. */
  readonly rank: number | null;
  /** By the names of trajectory metrics; what the line does not say is not in it, and NaN stays NaN. */
  readonly values: Readonly<Record<string, number>>;
  /** Its times are not those of one ordinary step, wherever in the training it is. */
  readonly isWarmup?: boolean;
}

/** A step line and the log that it stands in. */
export interface TrainingStep extends StepLine, LineSource {}

/** Reads one line; null for every line that reports no step. Must not throw, whatever the line is. */
export type StepParser = (line: string) => StepLine | null;

/** A step that stands: printed again, or done again after a restart, it is one step all the same. */
export interface SettledStep extends StepLine {
  readonly isWarmup: boolean;
  /** The steps that its line stands for: those since the line before. */
  readonly stride: number;
}

/** What one rank said in one log, in order of steps. */
export interface TrainingSeries extends LineSource {
  readonly rank: number | null;
  readonly steps: readonly SettledStep[];
  /** Steps that a restart did again; only their last time is among `steps`. */
  readonly rewound: number;
}

/** The steps of logs, in the order of their lines. */
export function collectSteps(logs: readonly RoleLog[], parseLine: StepParser): readonly TrainingStep[] {
  return logs.flatMap(({ role, host, lines }) =>
    lines.flatMap((line) => {
      const step = parseLine(line);
      return step === null ? [] : [{ ...step, role, host }];
    }),
  );
}

/**
 * The series of steps, one per log and rank: a line printed twice counts once, a lower step number is a restart from
 * there, and the first `warmupSteps` lines after each start are warm-up.
 */
export function settleSteps(
  steps: readonly TrainingStep[],
  { warmupSteps }: { readonly warmupSteps: number },
): readonly TrainingSeries[] {
  const bySource = groupBy(steps, ({ role, host, rank }) => JSON.stringify([role, host, rank]));
  return [...bySource.values()].flatMap((own) => {
    const [first] = own;
    return first === undefined
      ? []
      : [{ role: first.role, host: first.host, rank: first.rank, ...settle(own, warmupSteps) }];
  });
}

function settle(lines: readonly TrainingStep[], warmupSteps: number): Pick<TrainingSeries, 'steps' | 'rewound'> {
  const kept: StepLine[] = [];
  let rewound = 0;
  let sinceStart = 0;
  for (const { role: _role, host: _host, ...line } of lines) {
    const at = kept.findLastIndex(({ step }) => step <= line.step);
    const same = kept[at];
    if (same?.step === line.step && (at === kept.length - 1 || isRepetition(line, same))) {
      kept[at] = { ...same, tsMs: same.tsMs ?? line.tsMs, values: { ...line.values, ...same.values } };
      continue;
    }
    const from = same?.step === line.step ? at : at + 1;
    if (from < kept.length) {
      rewound += kept.length - from;
      kept.length = from;
      sinceStart = 0;
    }
    sinceStart += 1;
    kept.push({ ...line, isWarmup: (line.isWarmup ?? false) || sinceStart <= warmupSteps });
  }
  return { steps: withStrides(kept), rewound };
}

/** Whether a line says nothing else than one of the same step before it. */
function isRepetition(line: StepLine, earlier: StepLine): boolean {
  if (line.tsMs !== earlier.tsMs) return false;
  return Object.entries(line.values).every(([metric, value]) => Object.is(value, earlier.values[metric] ?? value));
}

function withStrides(steps: readonly StepLine[]): readonly SettledStep[] {
  const stride = (index: number): number => (steps[index]?.step ?? NaN) - (steps[index - 1]?.step ?? NaN);
  return steps.map((step, index) => {
    const own = stride(Math.max(index, 1));
    return { ...step, isWarmup: step.isWarmup ?? false, stride: Number.isNaN(own) ? 1 : own };
  });
}
