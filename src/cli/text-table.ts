import { styleText } from 'node:util';
import { clip, displayWidth, printable } from '../core/display-width.ts';
import type { AnswerColumn, Cell } from '../evidence/query/query-value.ts';

/** Where a table is printed. */
interface Screen {
  /** In columns of the terminal. */
  readonly width: number;
  readonly isColourful: boolean;
}

const INDENT = ' ';
const GAP = '  ';
const NOTHING = '-';
const ELLIPSIS = '…';

/** A text is never wider than the first; where there is little room it may become as narrow as the second. */
const WIDEST_TEXT = 48;
const NARROWEST_TEXT = 16;

// More than any cell shows: a text of megabytes is not looked at as a whole.
const LONGEST_LOOK = 500;

/**
 * The lines of a table, none of them wider than the screen: long texts are shortened, then columns in the middle are
 * left out, which the last line says.
 */
export function textTable(
  columns: readonly AnswerColumn[],
  rows: readonly (readonly Cell[])[],
  { width, isColourful }: Screen,
): readonly string[] {
  const all = columns.map((column, index) =>
    shownColumn(
      column,
      rows.map((row) => row[index] ?? null),
    ),
  );
  const room = width - INDENT.length;
  const shown = elided(narrowed(all, room), room);
  const paint = (style: 'bold' | 'dim', text: string): string =>
    isColourful ? styleText(style, text, { validateStream: false }) : text;
  const lineOf = (show: (column: Shown) => string): string => `${INDENT}${shown.map(show).join(GAP)}`.trimEnd();
  const cellAt = (index: number) => (column: Shown) => {
    const text = column.texts[index] ?? ELLIPSIS;
    return text === NOTHING ? paint('dim', aligned(text, column)) : aligned(text, column);
  };
  const hidden = columns.length - shown.filter((column) => column !== ELIDED).length;
  return [
    paint(
      'bold',
      lineOf((column) => aligned(column.name, column)),
    ),
    paint(
      'dim',
      lineOf((column) => '─'.repeat(column.width)),
    ),
    ...rows.map((_, index) => lineOf(cellAt(index))),
    ...(hidden === 0 ? [] : [paint('dim', `${INDENT}… ${hidden} of ${columns.length} columns hidden: SELECT fewer`)]),
  ];
}

/** A column as it is printed. */
interface Shown {
  readonly name: string;
  readonly texts: readonly string[];
  readonly isNumber: boolean;
  /** Texts that are wider are shortened. */
  readonly width: number;
}

/** Stands for the columns that are left out. */
const ELIDED: Shown = { name: ELLIPSIS, texts: [], isNumber: false, width: 1 };

function shownColumn({ name, isNumber }: AnswerColumn, cells: readonly Cell[]): Shown {
  const decimals = cells.reduce<number>((most, cell) => Math.max(most, decimalsOf(cell)), 0);
  const texts = cells.map((cell) => printable(textOf(cell, decimals).slice(0, LONGEST_LOOK)));
  const heading = printable(name);
  const widest = widestOf([heading, ...texts]);
  return { name: heading, texts, isNumber, width: isNumber ? widest : Math.min(WIDEST_TEXT, widest) };
}

function widestOf(texts: readonly string[]): number {
  return texts.reduce((widest, text) => Math.max(widest, displayWidth(text)), 0);
}

function textOf(cell: Cell, decimals: number): string {
  if (cell === null) return NOTHING;
  if (typeof cell === 'number') return numberText(cell, decimals);
  return typeof cell === 'object' ? JSON.stringify(cell) : String(cell);
}

const SIGNIFICANT = 5;
const MOST_DECIMALS = 6;
const SMALLEST = 1e-4;
const LARGEST = 1e15;

/** All numbers of a column have as many decimals as the one that needs most of them. */
function numberText(value: number, decimals: number): string {
  if (!Number.isFinite(value)) return String(value);
  return hasExponent(value) ? value.toExponential(SIGNIFICANT - 2) : value.toFixed(decimals);
}

function decimalsOf(cell: Cell): number {
  if (typeof cell !== 'number' || !Number.isFinite(cell) || hasExponent(cell)) return 0;
  const [, fraction = ''] = String(Number(cell.toPrecision(SIGNIFICANT))).split('.');
  return Number.isInteger(cell) ? 0 : Math.min(MOST_DECIMALS, fraction.length);
}

function hasExponent(value: number): boolean {
  return value !== 0 && (Math.abs(value) < SMALLEST || Math.abs(value) >= LARGEST);
}

function aligned(text: string, { width, isNumber }: Shown): string {
  const clipped = clip(text, width);
  const blanks = ' '.repeat(Math.max(0, width - displayWidth(clipped)));
  return isNumber ? blanks + clipped : clipped + blanks;
}

function lineWidth(columns: readonly Shown[]): number {
  return columns.reduce((total, { width }) => total + width, GAP.length * (columns.length - 1));
}

/** Shortens the widest texts as little as makes all columns fit, or as much as is allowed. */
function narrowed(columns: readonly Shown[], room: number): readonly Shown[] {
  for (let widest = WIDEST_TEXT; widest >= NARROWEST_TEXT; widest--) {
    const narrow = columns.map((column) => narrowTo(column, widest));
    if (lineWidth(narrow) <= room || widest === NARROWEST_TEXT) return narrow;
  }
  return columns;
}

// A name says what its column is: where texts are shortened it stays whole, and numbers do.
function narrowTo(column: Shown, widest: number): Shown {
  const width = Math.min(column.width, Math.max(widest, displayWidth(column.name)));
  return column.isNumber ? column : { ...column, width };
}

/** Leaves out columns in the middle until the others fit; one stays, whatever its width. */
function elided(columns: readonly Shown[], room: number): readonly Shown[] {
  if (lineWidth(columns) <= room) return columns;
  for (let kept = columns.length - 1; kept >= 1; kept--) {
    const left = Math.ceil(kept / 2);
    const shown = [...columns.slice(0, left), ELIDED, ...columns.slice(columns.length - (kept - left))];
    if (lineWidth(shown) <= room) return shown;
  }
  const [first] = columns;
  if (first === undefined) return columns;
  return columns.length === 1
    ? [{ ...first, width: Math.max(1, room) }]
    : [{ ...first, width: Math.max(1, room - GAP.length - ELIDED.width) }, ELIDED];
}
