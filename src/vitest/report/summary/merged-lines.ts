import { paint } from '../../screen/paint.ts';
import { cellLines } from './cell-lines.ts';
import { failureLines } from './failure-lines.ts';
import { counted, wrapped } from './layout.ts';
import { judgedRuns } from './pass-summary.ts';
import type { PassSummary } from './pass-summary.ts';

/** What merged reports say of claims: the runs that lie here, what failed, and how many there were. */
export function mergedLines(summary: PassSummary): readonly string[] {
  const { passed, failed } = summary.claims;
  if (passed + failed.length === 0) return [];
  const runs = judgedRuns(summary);
  const counts = [
    `${counted(passed, 'claim')} passed`,
    ...(failed.length > 0 ? [paint('red', `${failed.length} failed`)] : []),
    `reports of ${runs.length === 0 ? 'runs that lie elsewhere' : counted(runs.length, 'run')} merged`,
  ];
  return [...(runs.length === 0 ? [] : cellLines(summary)), ...failureLines(summary), '', ...wrapped(counts), ''];
}
