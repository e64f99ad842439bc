import { groupBy } from '../../../core/group-by.ts';
import { formatDuration, formatNumber } from '../../../core/units.ts';
import { unitOfVerdict } from '../../../evidence/verdict.ts';
import type { Verdict } from '../../../evidence/verdict.ts';
import type { VerdictChange } from '../../../session/stored/rejudge.ts';
import type { JudgedAgain } from '../../../session/stored/reuse.ts';
import { counted, named } from './layout.ts';
import { signed } from './margin.ts';
import type { PassSummary, ReusedRun } from './pass-summary.ts';

const CELLS_SHOWN = 8;
const CHANGES_NAMED = 3;

type RejudgedRun = ReusedRun & { readonly judgedAgain: JudgedAgain };

/** What came of judging stored runs anew: each changed threshold once, with the cells that it turned. */
export function rejudgedLines(summary: PassSummary): readonly string[] {
  const again = summary.reused.filter((run): run is RejudgedRun => run.judgedAgain !== null);
  return [...groupBy(again, ({ judgedAgain }) => judgedAgain.what)].flatMap(([what, runs]) => {
    const isAll = summary.runs.length === 0;
    const how = isAll ? ` in ${formatDuration(summary.elapsedMs)}, nothing launched` : '';
    const changes = [...groupBy(runs.flatMap(changesOf), thresholdChange)];
    return [
      '',
      ` ${counted(runs.length, 'run')} re-judged${how}`,
      ...reasonLines(what, runs),
      ...changes.flatMap(([change, cells]) => [`   ${change}`, ...turnLines(cells)]),
      ...(changes.length === 0 ? ['   every verdict as before'] : []),
    ];
  });
}

/** Changed thresholds are told one by one. */
function reasonLines(what: JudgedAgain['what'], runs: readonly RejudgedRun[]): readonly string[] {
  if (what === 'thresholds') return [];
  const changes = new Set(runs.flatMap(({ judgedAgain }) => judgedAgain.changes));
  return [`   ${what} changed${changes.size === 0 ? '' : `: ${named([...changes], CHANGES_NAMED)}`}`];
}

interface CellChange {
  readonly cellId: string;
  readonly change: VerdictChange;
}

function changesOf({ manifest, judgedAgain }: RejudgedRun): readonly CellChange[] {
  return judgedAgain.verdicts.map((change) => ({ cellId: manifest.cell_id, change }));
}

/** `ttft_p99  threshold 50 -> 100 ms` */
function thresholdChange({ change: { benchmark, before, after } }: CellChange): string {
  if (after === null) return `${benchmark}  no longer judged`;
  const unit = unitOfVerdict(after);
  const isTurned = before === null || before.op !== after.op;
  const limit = ({ op, expected }: Verdict): string => `${isTurned ? `${op} ` : ''}${formatNumber(expected)}`;
  const limits = [...new Set([before === null ? 'none' : limit(before), limit(after)])];
  return limits.length === 1 ? benchmark : `${benchmark}  threshold ${limits.join(' -> ')} ${unit}`.trimEnd();
}

/** The cells whose verdict turned, and how many still say what they said. */
function turnLines(cells: readonly CellChange[]): readonly string[] {
  const turned = cells.filter(({ change: { before, after } }) => before?.outcome !== after?.outcome);
  const width = Math.max(0, ...turned.map(({ cellId }) => cellId.length));
  const shown = turned.slice(0, CELLS_SHOWN).map(({ cellId, change }) => {
    const { before, after } = change;
    const outcomes = [before, after].map((verdict) => verdict?.outcome.replace('_', ' ') ?? 'not judged').join(' -> ');
    const margins = [before?.margin ?? null, after?.margin ?? null].filter((margin) => margin !== null).map(signed);
    const margin = margins.length === 0 ? '' : `  margin ${margins.join(' -> ')}`;
    return `     ${cellId.padEnd(width)}  ${outcomes}${margin}`;
  });
  const hidden = turned.length - CELLS_SHOWN;
  const same = cells.length - turned.length;
  return [
    ...shown,
    ...(hidden > 0 ? [`     … ${hidden} more changed`] : []),
    ...(same > 0 ? [`     ${same} unchanged`] : []),
  ];
}
