import { clip, displayWidth, indexAtWidth, printable } from '../../core/display-width.ts';
import { formatDuration } from '../../core/units.ts';
import type { Progress } from '../../lifecycle/adapter.ts';
import type { RunningCell, WaitingCells } from './live-board.ts';
import type { WindowSize } from './live-window.ts';
import { paint } from '../screen/paint.ts';
import type { Tally } from './test-tally.ts';

/** What the live window shows. */
export interface LiveState {
  readonly running: readonly RunningCell[];
  readonly waiting: readonly WaitingCells[];
  readonly cells: { readonly done: number; readonly total: number };
  readonly tests: Tally;
  readonly elapsedMs: number;
}

const CELLS_SHOWN = 10;
const WAITS_SHOWN = 3;
const SHORTEST_NAME = 20;
/** A silence that the reader would wonder about. */
const WORTH_TELLING_MS = 10_000;

/** The rows of the live window: an empty one, the cells that run, what others wait for, and how far all of it is. */
export function liveRows(state: LiveState, { columns, rows }: WindowSize): readonly string[] {
  const { running, waiting } = state;
  // What is cut off is told in a row of its own.
  const fixed = 2 + Math.min(waiting.length, WAITS_SHOWN + 1) + 1;
  const shown = running.slice(0, Math.max(1, Math.min(CELLS_SHOWN, rows - fixed)));
  const more = running.length - shown.length;
  return [
    '',
    ...cellRows(shown, columns),
    ...(more > 0 ? [clip(` ● … ${more} more running`, columns)] : []),
    ...waitRows(waiting, columns),
    paint('dim', clip(`   ${tallyOf(state)}`, columns)),
  ];
}

/** How fast the work gets on, or for how long it does not: `412 tok/s`, `nothing moved for 45 s`. */
export function pulseOf({ rate, quietMs = 0 }: Progress): string {
  return quietMs < WORTH_TELLING_MS ? printable(rate) : `nothing moved for ${inSeconds(quietMs)}`;
}

/** `96/160 req`. */
export function countOf({ done, total, unit }: Progress): string {
  return printable(`${done}/${total} ${unit}`);
}

/** `eta 3 s`; empty where nobody knows, or nothing moves. */
export function etaOf({ remainingMs, progress }: RunningCell): string {
  const isQuiet = (progress?.quietMs ?? 0) >= WORTH_TELLING_MS;
  return remainingMs === null || isQuiet ? '' : `eta ${inSeconds(remainingMs, Math.ceil)}`;
}

/** A duration in whole seconds: a clock that is looked at needs no tenths. */
export function inSeconds(ms: number, round: (seconds: number) => number = Math.floor): string {
  return ms < 10_000 ? `${round(ms / 1000)} s` : formatDuration(ms);
}

type Field = 'framework' | 'name' | 'phase' | 'elapsed' | 'count' | 'rate' | 'eta';

const FIELDS: readonly Field[] = ['framework', 'name', 'phase', 'elapsed', 'count', 'rate', 'eta'];
/** What is left out first where the terminal is narrow. */
const DISPENSABLE: readonly Field[] = ['framework', 'elapsed', 'rate', 'eta'];
const GAP = 2;
const MARK_WIDTH = 3;

function cellRows(cells: readonly RunningCell[], columns: number): readonly string[] {
  const table = cells.map(fieldsOf);
  const widths = new Map(FIELDS.map((field) => [field, Math.max(0, ...table.map((one) => displayWidth(one[field])))]));
  fit(widths, columns);
  const fields = FIELDS.filter((field) => (widths.get(field) ?? 0) > 0);
  return table.map((one) => {
    const texts = fields.map((field) => padTo(squeeze(one[field], widths.get(field) ?? 0), widths.get(field) ?? 0));
    return clip(` ● ${texts.join(' '.repeat(GAP)).trimEnd()}`, columns);
  });
}

/** Narrows columns of a table until it fits: the framework goes first, then names are shortened, then others go. */
function fit(widths: Map<Field, number>, columns: number): void {
  const name = widths.get('name') ?? 0;
  const excess = (): number => {
    const used = [...widths.values()].filter((width) => width > 0);
    return MARK_WIDTH + used.reduce((sum, width) => sum + width + GAP, -GAP) - columns;
  };
  for (const field of DISPENSABLE) {
    const isEnough = excess() <= (field === 'framework' ? 0 : Math.max(0, name - SHORTEST_NAME));
    if (!isEnough) widths.set(field, 0);
  }
  if (excess() > 0) widths.set('name', Math.max(Math.min(name, SHORTEST_NAME), name - excess()));
}

/** A text cut in its middle: what tells cells apart is often at the end. */
function squeeze(text: string, width: number): string {
  const total = displayWidth(text);
  if (total <= width) return text;
  const tail = text.slice(indexAtWidth(text, total - Math.floor(width / 2)));
  return `${clip(text, width - displayWidth(tail))}${tail}`;
}

function fieldsOf(cell: RunningCell): Readonly<Record<Field, string>> {
  const { framework, name, phase, elapsedMs, progress } = cell;
  return {
    framework: printable(framework),
    name: printable(name),
    phase,
    elapsed: inSeconds(elapsedMs),
    count: progress === null ? '' : countOf(progress),
    rate: progress === null ? '' : pulseOf(progress),
    eta: etaOf(cell),
  };
}

function waitRows(waiting: readonly WaitingCells[], columns: number): readonly string[] {
  const rest = waiting.slice(WAITS_SHOWN).reduce((sum, { count }) => sum + count, 0);
  const texts = waiting
    .slice(0, WAITS_SHOWN)
    .map(({ what, count }) => ` ○ ${count} ${count === 1 ? 'cell' : 'cells'} ${printable(what)}`);
  if (rest > 0) texts.push(` ○ … ${rest} more ${rest === 1 ? 'cell' : 'cells'}`);
  return texts.map((text) => clip(text, columns));
}

function tallyOf({ cells, tests, elapsedMs }: LiveState): string {
  const { passed, failed, skipped, files } = tests;
  const parts = [
    ...(cells.total === 0 ? [] : [`${cells.done} of ${cells.total} ${cells.total === 1 ? 'cell' : 'cells'} done`]),
    `tests ${passed} passed${failed > 0 ? `, ${failed} failed` : ''}${skipped > 0 ? `, ${skipped} skipped` : ''}`,
    `${files.done} of ${files.total} ${files.total === 1 ? 'file' : 'files'}`,
    inSeconds(elapsedMs),
  ];
  return parts.join(' · ');
}

function padTo(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - displayWidth(text)));
}
