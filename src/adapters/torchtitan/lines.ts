import { plainLine } from '../shared/role-logs.ts';
import { GB_PER_GIB } from '../shared/training/memory.ts';
import type { StepLine } from '../shared/training/steps.ts';

/** What a line of torchtitan does not say of its job. */
export interface Job {
  /** GPUs of the whole job. */
  readonly devices: number;
  /** Tokens of one step of the whole job; null while they are not known. */
  readonly tokensPerStep: number | null;
  /** The rank of the first process of the node that prints. */
  readonly firstRank: number;
  /** Whether layers are cut into stages: ranks of all but the last then know no loss, and print -1. */
  readonly isPipelined: boolean;
}

// Fields stand two blanks apart: a number that the line breaks off in has none behind it.
const FIELD_END = String.raw`(?=  )`;
const NUMBER = String.raw`(-?[\d,]+(?:\.\d+)?|-?inf|nan)`;
const STEP = /(?<!\w)step:\s+(\d+) {2}/g;
const STAMP = /(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2}),(\d{3}) - /;
// What torchrun and the logger put before a report.
const PREFIX = new RegExp(String.raw`(?:\[rank(\d+)\]:)?(?:\[titan\] )?${STAMP.source}\S+ - \w+ - (?:validate )?$`);

const FIELDS = {
  loss: new RegExp(`loss:\\s*${NUMBER}${FIELD_END}`),
  gradNorm: new RegExp(`grad_norm:\\s*${NUMBER}${FIELD_END}`),
  memoryGib: new RegExp(String.raw`memory:\s*${NUMBER}GiB\([\d.]+%\)${FIELD_END}`),
  // What is tokens per second once was words per second.
  tps: new RegExp(`(?:tps|wps):\\s*${NUMBER}${FIELD_END}`),
  tflops: new RegExp(`tflops:\\s*${NUMBER}${FIELD_END}`),
} as const;
const MFU = /mfu:\s*(?:(\d+(?:\.\d+)?)%|N\/A)/;

/** The finished step that a line of torchtitan reports; null for any other line. */
export function parseStep(text: string, job: Job): StepLine | null {
  const found = findStep(plainLine(text));
  if (found === null || found.isValidation) return null;
  const { step, localRank, tsMs, fields } = found;
  const loss = numberIn(FIELDS.loss, fields);
  const tps = numberIn(FIELDS.tps, fields);
  const memoryGib = numberIn(FIELDS.memoryGib, fields);
  const throughput = tps === undefined ? undefined : tps * job.devices;
  const values = {
    loss: job.isPipelined && loss === -1 ? undefined : loss,
    grad_norm: numberIn(FIELDS.gradNorm, fields),
    mem_used_gb: memoryGib === undefined ? undefined : memoryGib * GB_PER_GIB,
    step_time_ms: stepTimeMs(throughput, job.tokensPerStep),
    throughput,
    tokens_per_gpu: tps,
    tflops_per_gpu: numberIn(FIELDS.tflops, fields),
    mfu: numberIn(MFU, fields),
  };
  if (loss === undefined) return null;
  return { step, tsMs, rank: localRank === null ? null : job.firstRank + localRank, values: measured(values) };
}

/** The loss of a validation, and the step that it came after. */
export interface Validation {
  readonly step: number;
  readonly loss: number;
}

/** The validation that a line of torchtitan reports; null for any other line. */
export function parseValidation(text: string): Validation | null {
  const found = findStep(plainLine(text));
  const loss = found?.isValidation === true ? numberIn(FIELDS.loss, found.fields) : undefined;
  return found === null || loss === undefined ? null : { step: found.step, loss };
}

/** The time stamp of a line, read as UTC, milliseconds since the Unix epoch; null where there is none. */
export function parseStamp(text: string): number | null {
  return stampIn(plainLine(text));
}

interface FoundStep {
  readonly step: number;
  readonly isValidation: boolean;
  /** The rank on its node, and the time, that stand right before it; null for what does not. */
  readonly localRank: number | null;
  readonly tsMs: number | null;
  /** What it says of the step, up to its last field. */
  readonly fields: string;
}

/** Where several ranks wrote into one line, the last report that still has all that its rank put before it. */
function findStep(line: string): FoundStep | null {
  const found = [...line.matchAll(STEP)].map((match) => stepAt(line, match));
  return found.reduce<FoundStep | null>(
    (best, one) => (best === null || wholeness(one) >= wholeness(best) ? one : best),
    null,
  );
}

function stepAt(line: string, match: RegExpExecArray): FoundStep {
  const before = line.slice(0, match.index);
  const rest = line.slice(match.index + match[0].length);
  const last = MFU.exec(rest);
  const prefix = PREFIX.exec(before);
  return {
    step: Number(match[1]),
    isValidation: before.endsWith('validate '),
    localRank: prefix?.[1] === undefined ? null : Number(prefix[1]),
    tsMs: prefix === null ? null : stampIn(prefix[0]),
    fields: last === null ? rest : rest.slice(0, last.index + last[0].length),
  };
}

function wholeness({ localRank, tsMs }: FoundStep): number {
  return Number(localRank !== null) + Number(tsMs !== null);
}

function numberIn(pattern: RegExp, text: string): number | undefined {
  const found = pattern.exec(text)?.[1];
  return found === undefined ? undefined : Number(found.replaceAll(',', '').replace('inf', 'Infinity'));
}

function stampIn(text: string): number | null {
  const [, day, time, ms] = STAMP.exec(text) ?? [];
  const stamp = Date.parse(`${day}T${time}.${ms}Z`);
  return Number.isNaN(stamp) ? null : stamp;
}

/** torchtitan measures tokens per second over the steps since the line before, and does not say how long they took. */
function stepTimeMs(throughput: number | undefined, tokensPerStep: number | null): number | undefined {
  if (throughput === undefined || throughput === 0 || tokensPerStep === null) return undefined;
  return (tokensPerStep / throughput) * 1000;
}

function measured(values: Readonly<Record<string, number | undefined>>): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}
