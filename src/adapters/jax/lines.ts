import { plainLine } from '../shared/role-logs.ts';
import type { StepLine } from '../shared/training/steps.ts';

// MaxText prints three decimals, so that a number with fewer is one whose line was cut off.
const NUMBER = String.raw`(-?\d+\.\d{3}|-?inf|nan)(?![\d.])`;
const STEP = new RegExp(
  String.raw`completed step: (\d+), seconds: ${NUMBER}` +
    String.raw`(?:, TFLOP/s/device: ${NUMBER})?(?:, Tokens/s/device: ${NUMBER})?` +
    String.raw`(?:, total_weights: [\d.e+]+)?, loss: ${NUMBER}`,
  'g',
);
// The profiler starts or stops in such a step: its times would be those of the profiler.
const PROFILED_STEP = new RegExp(
  String.raw`completed profiler activation/deactivation step: (\d+), (?:total_weights: [\d.e+]+, )?loss: ${NUMBER}`,
);
const EVALUATION = new RegExp(
  String.raw`(?:eval metrics after step: |Completed eval after train step )(\d+), loss=${NUMBER}`,
);
const STAMP = /[IWEF](\d{2})(\d{2}) (\d{2}):(\d{2}):(\d{2})\.(\d{3})\d{3} /g;

/** The finished step that a line of MaxText reports, in a job of so many devices; null for any other line. */
export function parseStep(text: string, devices: number): StepLine | null {
  const line = plainLine(text);
  const [, step, seconds, tflops, tokens, loss] = [...line.matchAll(STEP)].at(-1) ?? [];
  if (step === undefined) return parseProfiledStep(line);
  const tokensPerDevice = numberOf(tokens);
  return {
    step: Number(step),
    tsMs: null,
    rank: null,
    values: measured({
      loss: numberOf(loss),
      step_time_ms: times(numberOf(seconds), 1000),
      throughput: times(tokensPerDevice, devices),
      tokens_per_gpu: tokensPerDevice,
      tflops_per_gpu: numberOf(tflops),
    }),
  };
}

function parseProfiledStep(line: string): StepLine | null {
  const [, step, loss] = PROFILED_STEP.exec(line) ?? [];
  if (step === undefined) return null;
  return { step: Number(step), tsMs: null, rank: null, values: measured({ loss: numberOf(loss) }) };
}

/** The loss of an evaluation, and the step that it came after. */
export interface Evaluation {
  readonly step: number;
  readonly loss: number;
}

/** The evaluation that a line of MaxText reports; null for any other line. */
export function parseEvaluation(text: string): Evaluation | null {
  const [, step, loss] = EVALUATION.exec(plainLine(text)) ?? [];
  const value = numberOf(loss);
  return step === undefined || value === undefined ? null : { step: Number(step), loss: value };
}

/** The time stamp of an absl line, read as UTC of the year that brings it nearest to `nearMs`; null where there is none. */
export function parseStamp(text: string, nearMs: number): number | null {
  const parts = [...plainLine(text).matchAll(STAMP)].at(-1)?.slice(1).map(Number);
  if (parts === undefined) return null;
  const [month = NaN, day = NaN, hour = NaN, minute = NaN, second = NaN, ms = NaN] = parts;
  const year = new Date(nearMs).getUTCFullYear();
  const stamps = [year - 1, year, year + 1].map((one) => Date.UTC(one, month - 1, day, hour, minute, second, ms));
  return stamps.reduce((a, b) => (Math.abs(b - nearMs) < Math.abs(a - nearMs) ? b : a));
}

function numberOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  return Number(text.replace('inf', 'Infinity'));
}

function times(value: number | undefined, factor: number): number | undefined {
  return value === undefined ? undefined : value * factor;
}

function measured(values: Readonly<Record<string, number | undefined>>): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}
