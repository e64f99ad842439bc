import { cellLines } from './cell-lines.ts';
import { failureLines } from './failure-lines.ts';
import { lostLines } from './lost-lines.ts';
import { unconfirmedLines, warningLines } from './note-lines.ts';
import { judgedRuns } from './pass-summary.ts';
import type { PassSummary } from './pass-summary.ts';
import { rejudgedLines } from './rejudged-lines.ts';
import { totalLines } from './total-lines.ts';
import { unlaunchedLines } from './unlaunched-lines.ts';

/** The end of a pass on the screen: what was judged, how tight it was, what failed and why, where the evidence lies. */
export function summaryLines(summary: PassSummary): readonly string[] {
  const { skipped, notRun, claims, lost } = summary;
  const parts = [judgedRuns(summary), skipped, notRun, claims.failed, lost];
  if (parts.every(({ length }) => length === 0)) return [];
  return [
    ...cellLines(summary),
    ...unlaunchedLines(summary),
    ...failureLines(summary),
    ...lostLines(summary),
    ...warningLines(summary),
    ...unconfirmedLines(summary),
    ...rejudgedLines(summary),
    '',
    ...totalLines(summary),
    '',
  ];
}
