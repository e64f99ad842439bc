import { nearest } from '../core/nearest.ts';
import type { AxisValues } from './axis.ts';
import type { Scalar } from './schema/framework.ts';
import { listOf } from './issues/schema-words.ts';
import type { Selector } from './schema/schema.ts';
import { show } from './issues/show.ts';

/** Whether every entry of a selector agrees with a cell's axes. */
export function selects(selector: Selector, axes: AxisValues): boolean {
  return Object.entries(selector).every(([name, value]) => axes[name] === value);
}

const MOST_LISTED = 8;

/** What to write instead of a selector that matches none of these cells: a name, a value, or another combination. */
export function hintForMiss(selector: Selector, cells: readonly AxisValues[]): string {
  const names = [...new Set(cells.flatMap((axes) => Object.keys(axes)))];
  if (names.length === 0) return 'remove it: this sweep has no axis';
  for (const [name, value] of Object.entries(selector)) {
    if (!names.includes(name)) return hintForName(name, names);
    const values = [...new Set(cells.flatMap((axes) => axes[name] ?? []))];
    if (!values.includes(value)) return hintForValue(name, value, values);
  }
  return 'each value is there, but no cell has all of them';
}

function hintForName(name: string, names: readonly string[]): string {
  const meant = nearest(name, names);
  if (meant !== null) return `did you mean \`${meant}\`?`;
  return names.length === 1 ? `the only axis is ${names.join()}` : `use one of the axes ${names.join(', ')}`;
}

function hintForValue(name: string, value: Scalar, values: readonly Scalar[]): string {
  const twin = values.find((one) => String(one) === String(value));
  if (twin !== undefined) return `write ${show(twin)} ${typeof twin === 'string' ? 'in' : 'without'} quotes`;
  const meant = nearest(
    String(value),
    values.filter((one) => typeof one === 'string'),
  );
  if (meant !== null) return `did you mean ${show(meant)}?`;
  const some = listOf(values.slice(0, MOST_LISTED).map(show), 'or');
  return `${name} is ${some} here${values.length > MOST_LISTED ? ', among others' : ''}`;
}
