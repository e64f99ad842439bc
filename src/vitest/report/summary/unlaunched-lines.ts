import { groupBy } from '../../../core/group-by.ts';
import { paint } from '../../screen/paint.ts';
import { counted, paragraph } from './layout.ts';
import type { ExplainedCell, NamedCell, PassSummary } from './pass-summary.ts';

// Each cell may have a reason of its own.
const REASONS_SHOWN = 12;

/** Cells that were skipped, that no stored run stands for, or whose turn never came, each with why. */
export function unlaunchedLines({ skipped, missed, notRun }: PassSummary): readonly string[] {
  return [
    ...reasonLines(skipped, paint('yellow', '-'), 'skipped'),
    ...reasonLines(missed, '●', 'launched'),
    ...notRunLines(notRun),
  ];
}

/** Cells that were dealt with alike for the same reason are told once. */
function reasonLines(cells: readonly ExplainedCell[], mark: string, what: string): readonly string[] {
  const alike = groupBy(cells, ({ testId, reason }) => JSON.stringify([testId, reason]));
  const groups = [...alike.values()];
  const hidden = groups.slice(REASONS_SHOWN).reduce((sum, { length }) => sum + length, 0);
  const lines = groups.slice(0, REASONS_SHOWN).flatMap((same) => {
    const [first] = same;
    if (first === undefined) return [];
    return cellLines(`${mark} ${first.testId}`, `${which(same)} ${what}: ${first.reason}`);
  });
  return hidden === 0 ? lines : [...lines, `   ${mark} … ${hidden} more ${what}`];
}

function notRunLines(cells: readonly NamedCell[]): readonly string[] {
  return [...groupBy(cells, ({ testId }) => testId)].flatMap(([testId, alike]) =>
    cellLines(`${paint('yellow', '■')} ${testId}`, `${which(alike)} not run: the session was stopped first`),
  );
}

function cellLines(config: string, text: string): readonly string[] {
  return paragraph(text, { first: `   ${config}   `, indent: '     ' });
}

function which(cells: readonly NamedCell[]): string {
  return cells.length === 1 ? (cells[0]?.cellId ?? '') : counted(cells.length, 'cell');
}
