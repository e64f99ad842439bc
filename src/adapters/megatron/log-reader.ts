import { plainLine } from '../shared/role-logs.ts';
import type { StepLine, StepParser } from '../shared/training/steps.ts';
import { parseMemoryLine } from './memory-lines.ts';
import { isPaired, stepParser } from './step-lines.ts';
import type { TokenScale } from './step-lines.ts';

const REJECTION =
  /\bRank (\d{1,7}), node \S+, device \d+, iteration (\d{1,12}): Unexpected result (nan|-?inf) \(message='([^']*)'/;
const RANK_TIME = /^\s*rank\s+(\d{1,7}): (\d+\.\d\d)$/;
const TIMER = /^\s*([a-z][a-z-]*):$/;
const HEADING = /^times across ranks \(ms\):$/;

/** The error that Megatron ends with when it finds a loss, or a gradient, that is not a number. */
function parseRejection(line: string): StepLine | null {
  const found = line.includes('Unexpected result') ? REJECTION.exec(plainLine(line)) : null;
  if (found === null) return null;
  const [, rank, iteration, result = '', message = ''] = found;
  const metric = message.includes('grad') ? 'grad_norm' : 'loss';
  const value = Number(result.replace('inf', 'Infinity'));
  return { step: Number(iteration), tsMs: null, rank: Number(rank), values: { [metric]: value } };
}

/** What the lines of one log say, one after the other: iterations, and the ranks' own times under them. */
export function logReader(scale: TokenScale): StepParser {
  const parseStep = stepParser(scale);
  const timers = new RankTimers();
  return (line) => {
    const step = parseStep(line);
    if (step === null) return parseRejection(line) ?? timers.read(plainLine(line));
    timers.begin(step.step);
    return step;
  };
}

/**
 * What the lines of one log say, and the memory that they mention. What is printed below an iteration has its stamp. Primus
 * gives an average alone until it has left out the first iterations, and both from then on: such an average is warm-up.
 */
export function readLog(lines: readonly string[], scale: TokenScale): readonly StepLine[] {
  const read = logReader(scale);
  const hasPairs = lines.some(isPaired);
  let tsMs: number | null = null;
  return lines.flatMap((line) => {
    const step = read(line);
    tsMs = step?.tsMs ?? tsMs;
    const isAverage = hasPairs && step?.values['step_time_ms'] !== undefined && !isPaired(line);
    return [isAverage && step !== null ? { ...step, isWarmup: true } : step, parseMemoryLine(line)]
      .filter((one) => one !== null)
      .map((one) => ({ ...one, tsMs: one.tsMs ?? tsMs }));
  });
}

/**
 * Reads what Megatron prints below an iteration when it is asked for the timers of all ranks: a heading, then each timer
 * and the milliseconds of its ranks. `forward-compute` and `backward-compute` are a rank's own work, in which it waits
 * for no other; `forward-compute` comes first.
 */
class RankTimers {
  #step: number | null = null;
  #timer: string | null = null;
  #forward = new Map<number, number>();

  /** An iteration: what comes below is about it. */
  begin(step: number): void {
    this.#step = step;
    this.#timer = null;
    this.#forward.clear();
  }

  read(line: string): StepLine | null {
    const time = RANK_TIME.exec(line);
    if (time !== null) return this.#time(Number(time[1]), Number(time[2]));
    const isHeading = HEADING.test(line);
    // A block ends with the first line that is no part of it.
    this.#timer = isHeading ? '' : this.#timer !== null ? (TIMER.exec(line)?.[1] ?? null) : null;
    return null;
  }

  #time(rank: number, ms: number): StepLine | null {
    if (this.#timer === 'forward-compute') this.#forward.set(rank, ms);
    const forwardMs = this.#forward.get(rank);
    if (this.#timer !== 'backward-compute' || this.#step === null || forwardMs === undefined) return null;
    return { step: this.#step, tsMs: null, rank, values: { compute_ms: forwardMs + ms } };
  }
}
