import { isUpperBound } from '../config/thresholds/comparison.ts';
import type { Comparison } from '../config/thresholds/comparison.ts';

/** What a measured value has to meet: a limit on one side, or a distance to a target on either side. */
export type Bound =
  | { readonly op: Comparison; readonly expected: number }
  | { readonly op: 'within'; readonly expected: number; readonly tolerance: number };

/** How far a value is on the good side of its bound; above 0 is good. */
export function marginOf(bound: Bound, actual: number): number {
  if (bound.op === 'within') return bound.tolerance - Math.abs(actual - bound.expected);
  return isUpperBound(bound.op) ? bound.expected - actual : actual - bound.expected;
}

/** Whether a margin is enough: on the limit itself, only a strict comparison is missed. */
export function isMet(bound: Bound, margin: number): boolean {
  const isStrict = bound.op === '<' || bound.op === '>';
  return isStrict ? margin > 0 : margin >= 0;
}
