import { groupBy } from '../../core/group-by.ts';
import type { Unplaced } from '../issues/issues.ts';
import type { Sweep } from '../schema/schema.ts';
import { show } from '../issues/show.ts';

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

/** One mistake for an axis of which every value is refused for the same reason: it is not the values that are wrong. */
export function mergeValues(mistakes: readonly CellMistake[], sweep: Sweep): readonly CellMistake[] {
  const groups = groupBy(mistakes, (mistake) => {
    const { path, hint } = mistake;
    return isRefusal(mistake, sweep) ? JSON.stringify([path[1], hint]) : mistake;
  });
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const refused = new Set(group.map(({ path }) => path[2]));
    if (refused.size < 2 || refused.size < valuesOf(first, sweep).length) return group;
    return [{ path: first.path.slice(0, 2), message: 'none of its values is accepted', hint: first.hint }];
  });
}

function isRefusal(mistake: CellMistake, sweep: Sweep): boolean {
  const { path, message } = mistake;
  return path.length === 3 && message === `${show(valuesOf(mistake, sweep)[Number(path[2])])} is not accepted`;
}

function valuesOf({ path: [section, axis = ''] }: CellMistake, sweep: Sweep): readonly unknown[] {
  const values = section === 'sweep' ? sweep[axis] : [];
  return Array.isArray(values) ? values : [];
}

function describeCells(cells: readonly string[], cellCount: number): string {
  if (cells.length === 0 || cells.length === cellCount) return '';
  if (cells.length === 1) return ` in cell ${cells.join()}`;
  const shown = cells.slice(0, SHOWN_CELLS).join(', ');
  return ` in ${cells.length} of ${cellCount} cells (${shown}${cells.length > SHOWN_CELLS ? ', ...' : ''})`;
}
