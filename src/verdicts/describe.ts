import { formatNumber } from '../core/units.ts';
import type { Bound } from './bound.ts';
import type { Requests } from './run-tables.ts';
import type { Interval } from './statistics.ts';

/** What a verdict is about, in the words of its sentence. */
export interface Subject {
  /** `ttft_ms p99`, `throughput`. */
  readonly name: string;
  readonly bound: Bound;
  /** The unit of `actual` and `expected`; empty when they have none. */
  readonly unit: string;
}

/** A measured answer, in numbers. */
interface Answer {
  readonly actual: number;
  readonly margin: number;
  readonly n: number | null;
  readonly interval?: Interval;
}

/** The sentence of an answered threshold: `ttft_ms p99 is 73.4 ms, must be <= 50 ms (margin -23.4, n 160)`, then the notes. */
export function describeAnswer(subject: Subject, answer: Answer, notes: readonly string[]): string {
  const figures = [
    `margin ${formatNumber(answer.margin)}`,
    ...(answer.interval === undefined ? [] : [describeInterval(answer.interval)]),
    `n ${answer.n ?? 'unknown'}`,
  ];
  const sentence = `${subject.name} is ${measure(answer.actual, subject.unit)}, ${demand(subject)} (${figures.join(', ')})`;
  return [sentence, ...notes].join('; ');
}

/** The sentence of a threshold that got no answer: `ttft_ms p99 must be <= 50 ms: 0 of 8 requests completed`. */
export function describeSilence(subject: Subject, reason: string): string {
  return `${subject.name} ${demand(subject)}: ${reason}`;
}

function demand({ bound, unit }: Subject): string {
  const expected = measure(bound.expected, unit);
  if (bound.op !== 'within') return `must be ${bound.op} ${expected}`;
  return `must be within ${formatNumber(bound.tolerance)} of ${expected}`;
}

function describeInterval({ low, high, confidence }: Interval): string {
  const percent = `${formatNumber(confidence * 100)} % interval`;
  if (low === null) return `${percent} up to ${formatNumber(high ?? NaN)}`;
  return high === null
    ? `${percent} from ${formatNumber(low)}`
    : `${percent} ${formatNumber(low)} to ${formatNumber(high)}`;
}

/** A number with its unit. */
export function measure(value: number, unit: string): string {
  return unit === '' ? formatNumber(value) : `${formatNumber(value)} ${unit}`;
}

/** A count with its noun: `1 request`, `3 requests`. */
export function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}

/** Why there is nothing to judge when no request completed. */
export function noneCompleted({ failed }: Requests): string {
  return failed === 0 ? 'there are no requests' : `0 of ${count(failed, 'request')} completed`;
}

/** How many requests a verdict leaves out because they failed; nothing when none did. */
export function noteFailures({ completed, failed }: Requests): readonly string[] {
  return failed === 0 ? [] : [`${failed} of ${completed.length + failed} requests failed`];
}
