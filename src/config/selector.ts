import { nearest } from '../core/nearest.ts';
import type { AxisValues } from './axis.ts';
import type { Selector } from './schema.ts';

/** Whether every entry of a selector agrees with a cell's axes. */
export function selects(selector: Selector, axes: AxisValues): boolean {
  return Object.entries(selector).every(([name, value]) => axes[name] === value);
}

/** What to write instead of a selector that matches none of these cells: a name, a value, or another combination. */
export function hintForMiss(selector: Selector, cells: readonly AxisValues[]): string {
  const names = [...new Set(cells.flatMap((axes) => Object.keys(axes)))];
  if (names.length === 0) return 'remove it: this sweep has no axis';
  for (const [name, value] of Object.entries(selector)) {
    if (!names.includes(name)) {
      const meant = nearest(name, names);
      return meant === null ? `use one of the axes ${names.join(', ')}` : `did you mean \`${meant}\`?`;
    }
    const values = [...new Set(cells.flatMap((axes) => axes[name] ?? []))];
    if (!values.includes(value)) return `${name} is ${values.map((one) => JSON.stringify(one)).join(' or ')} here`;
  }
  return 'each value is there, but no cell has all of them';
}
