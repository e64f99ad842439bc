import { displayWidth } from '../../../core/display-width.ts';
import { stripVTControlCharacters } from 'node:util';

/** In columns of the terminal. */
export const WIDTH = 80;

/** Parts side by side, as many on a line as fit. */
export function wrapped(parts: readonly string[], first = ' '): readonly string[] {
  return filled(parts, { between: ' · ', first, indent: ' ' });
}

/** How the lines of a paragraph begin: the first one like the others unless it is said. */
interface Indents {
  readonly first?: string;
  readonly indent: string;
}

/** A text broken between its words; a word that is too long, a path say, stays whole. */
export function paragraph(text: string, indents: string | Indents): readonly string[] {
  const given = typeof indents === 'string' ? { indent: indents } : indents;
  return filled(text.split(/\s+/), { between: ' ', ...given });
}

function filled(
  parts: readonly string[],
  { between, indent, first = indent }: Indents & { readonly between: string },
): readonly string[] {
  const lines: string[] = [];
  for (const part of parts) {
    const longer = `${lines.at(-1) ?? ''}${between}${part}`;
    if (lines.length > 0 && widthOf(longer) <= WIDTH) lines.splice(-1, 1, longer);
    else lines.push(`${lines.length === 0 ? first : indent}${part}`);
  }
  return lines;
}

/** How many columns a line takes on the screen, its colours left out. */
export function widthOf(line: string): number {
  return displayWidth(stripVTControlCharacters(line));
}

/** `1 cell`, `3 cells`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** Of many names the first few, and how many more there are. */
export function named(names: readonly string[], most: number): string {
  const more = names.length - most;
  return more > 0 ? `${names.slice(0, most).join(', ')} and ${more} more` : names.join(', ');
}
