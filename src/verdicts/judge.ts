import { benchmarkOf } from '../config/benchmark.ts';
import type { Threshold } from '../config/threshold.ts';
import type { Verdict } from '../evidence/verdict.ts';
import { isMet, marginOf } from './bound.ts';
import { describeAnswer, describeSilence } from './describe.ts';
import type { Subject } from './describe.ts';
import type { Interval } from './statistics.ts';

/** A threshold put as a question to a run. */
export interface Question extends Subject {
  readonly threshold: Threshold;
  /** The metric as the verdict stores it. */
  readonly metric: string;
  /** Fewer values than this allow no claim. */
  readonly neededSamples?: number;
}

/** What was found in the run. */
interface Finding {
  readonly actual: number;
  /** The values behind `actual`; null when they were not counted. */
  readonly n: number | null;
  readonly interval?: Interval;
  readonly evidence: Verdict['evidence'];
  /** What else a reader must know, as half sentences. */
  readonly notes: readonly string[];
}

/** Why a question has no answer. */
export interface Silence {
  readonly reason: string;
  readonly file: Verdict['evidence']['file'];
  readonly n?: number;
}

/** The verdict of a finding. */
export function judge(question: Question, finding: Finding): Verdict {
  const { actual, n, evidence, notes } = finding;
  if (!Number.isFinite(actual)) {
    return withoutAnswer(question, { reason: `${actual} is not a finite number`, file: evidence.file });
  }
  const margin = marginOf(question.bound, actual);
  const needed = question.neededSamples ?? 0;
  const isEnough = needed === 0 || (n !== null && n >= needed);
  const outcome = !isEnough ? 'insufficient' : isMet(question.bound, margin) ? 'passed' : 'failed';
  const shortage = isEnough ? [] : [`too few samples for a verdict: ${n ?? 'an unknown number'} of ${needed}`];
  const interval = finding.interval === undefined ? {} : { interval: finding.interval };
  return {
    ...headOf(question),
    actual,
    passed: outcome === 'passed',
    margin,
    n,
    ...interval,
    outcome,
    detail: describeAnswer(question, { actual, margin, n, ...interval }, [...shortage, ...notes]),
    evidence,
  };
}

/** The verdict of a run that holds nothing to judge: never passed. */
export function withoutAnswer(question: Question, silence: Silence): Verdict {
  return unanswered(question, silence, 'no_data');
}

/** The verdict of a run whose values are broken, which is the fault of the run and not a gap in its evidence. */
export function broken(question: Question, silence: Silence): Verdict {
  return unanswered(question, silence, 'failed');
}

function unanswered(question: Question, { reason, file, n = 0 }: Silence, outcome: 'no_data' | 'failed'): Verdict {
  return {
    ...headOf(question),
    actual: null,
    passed: false,
    margin: null,
    n,
    outcome,
    detail: describeSilence(question, reason),
    evidence: { file },
  };
}

function headOf({
  threshold,
  metric,
  bound,
}: Question): Pick<Verdict, 'kind' | 'metric' | 'benchmark' | 'op' | 'expected'> {
  return {
    kind: threshold.kind,
    metric,
    benchmark: benchmarkOf(threshold),
    op: bound.op,
    expected: bound.expected,
  };
}
