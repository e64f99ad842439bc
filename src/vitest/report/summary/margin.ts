import { formatNumber } from '../../../core/units.ts';
import { unitOfVerdict } from '../../../evidence/verdict.ts';
import type { Verdict } from '../../../evidence/verdict.ts';

/** A verdict of a cell. */
export interface CellVerdict {
  readonly verdict: Verdict;
  readonly cell: string;
}

/** The verdict that is nearest to its limit; one that did not pass comes first, whatever its margin. */
export function tightestOf(judged: readonly CellVerdict[]): CellVerdict | undefined {
  // It may lack samples, and say nothing of how near it is.
  return judged.toSorted(
    (a, b) =>
      Number(a.verdict.passed) - Number(b.verdict.passed) || relativeMargin(a.verdict) - relativeMargin(b.verdict),
  )[0];
}

/** How far a verdict is from its limit, in limits; the smaller, the worse. */
export function relativeMargin({ margin, expected }: Pick<Verdict, 'margin' | 'expected'>): number {
  if (margin === null) return Number.NEGATIVE_INFINITY;
  return margin / Math.max(Math.abs(expected), Number.MIN_VALUE);
}

/** What was found beside what was asked: `31.5 <= 1500 ms`, `4.1434 = 4.1434 ± 0.004`. */
export function comparison(verdict: Verdict): string {
  const { actual, op, expected, margin } = verdict;
  if (actual === null) return 'no data';
  const unit = unitOfVerdict(verdict);
  if (op !== 'within') return `${formatNumber(actual)} ${op} ${formatNumber(expected)} ${unit}`.trimEnd();
  const tolerance = (margin ?? 0) + Math.abs(actual - expected);
  return `${formatNumber(actual, 5)} = ${formatNumber(expected, 5)} ± ${formatNumber(tolerance, 1)} ${unit}`.trimEnd();
}

/** `+212`, `-23.4`. */
export function signed(value: number): string {
  return `${value >= 0 ? '+' : ''}${formatNumber(value, 3)}`;
}
