import { relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { displayWidth, printable } from '../../core/display-width.ts';
import { formatDuration } from '../../core/units.ts';
import type { Status } from '../../evidence/failure.ts';
import type { SessionEvent } from '../../session/events.ts';
import type { RunningCell } from './live-board.ts';
import { countOf, etaOf, inSeconds, pulseOf } from './live-rows.ts';
import { paint } from '../screen/paint.ts';
import { describeJudgement, nameRun } from '../report/reuse-lines.ts';

const NAME_WIDTH = 26;
const STATE_WIDTH = 9;
const INDENT = ' '.repeat(5);

/** A line about a cell: what is not known is not in it. */
interface Line {
  readonly mark: string;
  readonly name: string;
  readonly state: string;
  readonly details: readonly string[];
}

/**
 * What stays on the screen of something that happened, in lines that are no wider than `columns` where words can be
 * broken; nothing for what is over soon. `tookMs` is how long the cell of the event was under way, null if unknown.
 */
export function lastingLines(event: SessionEvent, tookMs: number | null, columns: number): readonly string[] {
  if (event.type === 'reaped') {
    return wrapped(` ${paint('yellow', '○')} ended what a dead session left:`, here(event.reaped.folder), columns);
  }
  const said = whatStays(event, tookMs);
  return said === null ? [] : linesOf({ ...said, name: event.planned.cell.cellId }, columns);
}

/** A cell that waits, and what for. */
export function waitLines(name: string, what: string, columns: number): readonly string[] {
  return linesOf({ mark: '○', name, state: 'waiting', details: [printable(what)] }, columns);
}

/** How a cell that is under way gets on. */
export function runningLines(cell: RunningCell, columns: number): readonly string[] {
  const { name, phase, progress, elapsedMs, framework } = cell;
  const details = [
    phase === 'launch' ? framework : '',
    elapsedMs < 1000 ? '' : inSeconds(elapsedMs),
    ...(progress === null ? [] : [countOf(progress), pulseOf(progress)]),
    etaOf(cell),
  ];
  return linesOf({ mark: '●', name, state: phase, details }, columns);
}

type CellEvent = Exclude<SessionEvent, { readonly type: 'reaped' }>;

function whatStays(event: CellEvent, tookMs: number | null): Omit<Line, 'name'> | null {
  switch (event.type) {
    case 'ended': {
      const took = tookMs === null ? '' : formatDuration(tookMs);
      return { mark: endMark(event.status), state: event.status, details: [took] };
    }
    case 'refused':
      return skipped(event.skip.reason);
    case 'reused': {
      const { manifest, judgedAgain } = event;
      const said = `${nameRun(manifest)}, ${describeJudgement(judgedAgain)}`;
      return { mark: paint(isGood(manifest.status) ? 'green' : 'red', '↺'), state: 'reused', details: [said] };
    }
    case 'damaged': {
      const said = `${here(event.folder)} is passed over: ${event.reason}`;
      return { mark: paint('yellow', '!'), state: '', details: [said] };
    }
    case 'missed': {
      const { skip, miss } = event;
      if (skip !== null) return skipped(skip.detail);
      const comparedTo = miss.nearest === null ? '' : ` (compared with ${nameRun(miss.nearest)})`;
      return { mark: '○', state: 'no reuse', details: [`${miss.reason}${comparedTo}`] };
    }
    default:
      return null;
  }
}

function skipped(reason: string): Omit<Line, 'name'> {
  return { mark: paint('yellow', '-'), state: 'skipped', details: [reason] };
}

function endMark(status: Status): string {
  return isGood(status) ? paint('green', '✓') : paint('red', '✗');
}

function isGood(status: Status): boolean {
  return status === 'passed' || status === 'recorded';
}

function here(folder: string): string {
  return relative(process.cwd(), folder);
}

function linesOf({ mark, name, state, details }: Line, columns: number): readonly string[] {
  const known = printable(details.filter((detail) => detail !== '').join('   '));
  const what = state === '' ? '' : ` ${state.padEnd(STATE_WIDTH)}`;
  return wrapped(` ${mark} ${printable(name).padEnd(NAME_WIDTH)}${what}`, known, columns);
}

/** A head and what belongs to it: beside it where there is room, else below, in as many lines as it takes. */
function wrapped(head: string, text: string, columns: number): readonly string[] {
  if (displayWidth(stripVTControlCharacters(head)) + 1 + displayWidth(text) <= columns)
    return [`${head} ${text}`.trimEnd()];
  const lines: string[] = [];
  for (const word of text.split(/ +/)) {
    const last = lines.at(-1);
    const longer = last === undefined ? word : `${last} ${word}`;
    if (last === undefined || INDENT.length + displayWidth(longer) > columns) lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  return [head.trimEnd(), ...lines.map((line) => `${INDENT}${line}`)];
}
