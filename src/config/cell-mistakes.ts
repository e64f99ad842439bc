import { groupBy } from '../core/group-by.ts';
import type { Unplaced } from './issues.ts';

/** A mistake that was found while a cell was checked. */
export interface CellMistake extends Unplaced {
  /** The cell; absent when the place alone says it all. */
  readonly cellId?: string;
}

const SHOWN_CELLS = 3;

/** One mistake for each place and sentence, with the cells that it concerns unless all are. */
export function mergeCells(mistakes: readonly CellMistake[], cellCount: number): readonly Unplaced[] {
  const groups = groupBy(mistakes, ({ path, message, hint }) => JSON.stringify([path, message, hint]));
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const { path, message, hint } = first;
    const cells = [...new Set(group.flatMap(({ cellId }) => cellId ?? []))];
    return [{ path, hint, message: `${message}${describeCells(cells, cellCount)}` }];
  });
}

function describeCells(cells: readonly string[], cellCount: number): string {
  if (cells.length === 0 || cells.length === cellCount) return '';
  if (cells.length === 1) return ` in cell ${cells.join()}`;
  const shown = cells.slice(0, SHOWN_CELLS).join(', ');
  return ` in ${cells.length} of ${cellCount} cells (${shown}${cells.length > SHOWN_CELLS ? ', ...' : ''})`;
}
