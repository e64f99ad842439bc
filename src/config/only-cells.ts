import { AssayError } from '../core/errors.ts';
import { nearest } from '../core/nearest.ts';
import { wildcard } from '../core/wildcard.ts';
import type { Cell } from './cell.ts';

/** Whether one of the patterns names a cell: by its id (`balanced-*`), or by config and id (`my_config/balanced-*`). */
export function isNamedBy(patterns: readonly string[]): (cell: Pick<Cell, 'key' | 'cellId'>) => boolean {
  const matchers = patterns.map((pattern) => ({ isWhole: pattern.includes('/'), expression: wildcard(pattern) }));
  return ({ key, cellId }) => matchers.some(({ isWhole, expression }) => expression.test(isWhole ? key : cellId));
}

/**
 * The cells that one of the patterns names; no pattern keeps all.
 *
 * @throws AssayError SELECTION_INVALID for a pattern that names no cell.
 */
export function onlyCells(cells: readonly Cell[], patterns: readonly string[]): readonly Cell[] {
  if (patterns.length === 0) return cells;
  const idle = patterns.find((pattern) => !cells.some(isNamedBy([pattern])));
  if (idle !== undefined) throw noSuchCell(idle, cells);
  return cells.filter(isNamedBy(patterns));
}

function noSuchCell(pattern: string, cells: readonly Cell[]): AssayError {
  return new AssayError('SELECTION_INVALID', `--only-cells ${pattern} matches none of ${cells.length} cells`, {
    hint: hintFor(pattern, cells),
  });
}

function hintFor(pattern: string, cells: readonly Cell[]): string {
  const configs = [...new Set(cells.map(({ workload }) => workload.test_id))];
  const config = configs.find((one) => wildcard(pattern).test(one));
  if (config !== undefined) return `${config} is a config: write '${pattern}/*'`;
  const names = [...new Set(cells.map(({ key, cellId }) => (pattern.includes('/') ? key : cellId)))];
  const meant = nearest(pattern, names) ?? otherConfig(pattern, configs);
  const some = `${names.slice(0, 6).join(', ')}${names.length > 6 ? ', ...' : ''}`;
  return meant === null ? `there are ${some}` : `did you mean \`${meant}\`?`;
}

/** `my_confg/*` with the name of a config that there is; null when that is not what is wrong. */
function otherConfig(pattern: string, configs: readonly string[]): string | null {
  const slash = pattern.indexOf('/');
  const meant = slash === -1 ? null : nearest(pattern.slice(0, slash), configs);
  return meant === null || pattern.startsWith(`${meant}/`) ? null : `${meant}${pattern.slice(slash)}`;
}
