import { formatNumber } from '../../../core/units.ts';
import { findNonFinite } from '../../../verdicts/predicates/loss-finite.ts';
import { findStraggler } from '../../../verdicts/predicates/no-straggler.ts';
import type { LineSource, ProgressWatch, StepReport } from '../program.ts';
import { plainLine } from '../role-logs.ts';
import type { StepLine } from './steps.ts';

/** A training to watch. */
export interface WatchedTraining {
  /** Steps of the whole training. */
  readonly total: number;
  /** The number of the first step. Default: 1. */
  readonly firstStep?: number;
  /** Reads one line; null for every line that reports no step. Must not throw, whatever the line is. */
  readonly parseLine: (line: string, from: LineSource) => StepLine | null;
  /** Told of every step once. */
  readonly onStep: (step: StepReport) => void;
}

type Status = ReturnType<ProgressWatch['status']>;

const EVIDENCE_LINES = 5;
/** The latest steps of a rank, by which it is compared with the others. */
const COMPARED_STEPS = 10;

/**
 * Watches a training by what its programs print: how far it is, whether its loss is still a number, and whether a rank that
 * tells its times (`compute_ms`, else `step_time_ms`) holds up the others.
 */
export function watchTraining(training: WatchedTraining): ProgressWatch {
  return new TrainingWatch(training);
}

class TrainingWatch implements ProgressWatch {
  readonly #training: WatchedTraining;
  readonly #recent: string[] = [];
  readonly #times = { compute_ms: new RankTimes(), step_time_ms: new RankTimes() };
  #lines = 0;
  #rate = '';
  /** The log and rank that progress is read from: the first that told a loss. */
  #leader: string | null = null;
  #step: number | null = null;
  #broken: Status | null = null;

  constructor(training: WatchedTraining) {
    this.#training = training;
  }

  line(line: string, from: LineSource): void {
    this.#lines += 1;
    const step = this.#training.parseLine(line, from);
    if (step === null) return;
    this.#recent.push(plainLine(line));
    if (this.#recent.length > EVIDENCE_LINES) this.#recent.shift();
    this.#judge(step, step.rank === null ? `${from.role} on ${from.host}` : `rank ${step.rank}`);
    if (step.values['loss'] === undefined) return;
    const source = JSON.stringify([from.role, from.host, step.rank]);
    this.#leader ??= source;
    if (source === this.#leader && step.step !== this.#step) this.#advance(step);
  }

  status(): Status {
    const { total, firstStep = 1 } = this.#training;
    const done = this.#step === null ? 0 : this.#step - firstStep + 1;
    const progress = { done, total, unit: 'step', rate: this.#rate };
    return this.#broken ?? { state: 'running', mark: this.#lines, progress };
  }

  #advance({ step, values }: StepLine): void {
    this.#step = step;
    this.#rate = rateOf(values);
    this.#training.onStep({ step, loss: values['loss'] ?? null, throughput: values['throughput'] ?? null });
  }

  #judge({ step, values }: StepLine, name: string): void {
    const printed = Object.entries(values).map(([metric, value]) => ({ metric, step, value }));
    this.#break('loss_finite', findNonFinite(printed));
    const { compute_ms: compute, step_time_ms: whole } = this.#times;
    compute.add(name, values['compute_ms']);
    whole.add(name, values['step_time_ms']);
    this.#break('no_straggler', findStraggler((compute.isEmpty() ? whole : compute).ranks()));
  }

  #break(predicate: string, detail: string | null): void {
    if (detail !== null) this.#broken ??= { state: 'broken', predicate, detail, evidence: [...this.#recent] };
  }
}

/** The latest times of each rank, milliseconds. */
class RankTimes {
  readonly #times = new Map<string, number[]>();

  add(name: string, timeMs: number | undefined): void {
    if (timeMs === undefined || !Number.isFinite(timeMs)) return;
    const times = this.#times.get(name) ?? [];
    this.#times.set(name, times);
    times.push(timeMs);
    if (times.length > COMPARED_STEPS) times.shift();
  }

  isEmpty(): boolean {
    return this.#times.size === 0;
  }

  ranks(): readonly { readonly name: string; readonly timesMs: readonly number[] }[] {
    return [...this.#times].map(([name, timesMs]) => ({ name, timesMs }));
  }
}

function rateOf({ throughput, step_time_ms: stepMs }: StepLine['values']): string {
  if (throughput !== undefined && Number.isFinite(throughput)) return `${shortCount(throughput)} tok/s`;
  return stepMs === undefined || !Number.isFinite(stepMs) ? '' : `${formatNumber(stepMs, 3)} ms/step`;
}

/** A count for people, in three digits: `950`, `412k`, `1.32M`. */
function shortCount(count: number): string {
  if (count < 1e3) return formatNumber(count, 3);
  return count < 1e6 ? `${formatNumber(count / 1e3, 3)}k` : `${formatNumber(count / 1e6, 3)}M`;
}
