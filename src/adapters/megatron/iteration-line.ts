import { plainLine } from '../shared/role-logs.ts';

/** A line in which a program of the Megatron family reports an iteration. */
export interface IterationLine {
  readonly iteration: number;
  /** Iterations of the whole training. */
  readonly total: number;
  /** Milliseconds since the Unix epoch, its stamp taken as UTC; null where it has none. */
  readonly tsMs: number | null;
  /** The rank that printed it, as its prefix says; null where none does. */
  readonly rank: number | null;
  /** The numbers of its fields by their names there; of a pair, such as `instant/average`, both. */
  readonly fields: ReadonlyMap<string, readonly number[]>;
}

const ITERATION = /(?:^|[\s\]:])iteration\s+(\d{1,12})\s*\/\s*(\d{1,12})\s*$/;
const PREFIXED_NAME = /^.*[\]:]\s*/;
const NUMBER = /^[+-]?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|nan|inf)$/i;
const UNIT = /(?:GB|TFLOPS|%)$/;

/**
 * Reads a line such as `iteration 2/ 20 | lm loss: 1.186184E+01 | ... |`; null for any other. A field counts when it is
 * whole: closed by `|`, or a list of memory figures that ends in a per cent sign.
 */
export function parseIterationLine(line: string): IterationLine | null {
  if (!line.includes('iteration')) return null;
  const parts = plainLine(line).split('|');
  const last = parts.pop() ?? '';
  if (/GB\/\d+\.\d+%\s*$/.test(last)) parts.push(last);
  const found = parts.map((part) => ITERATION.exec(part));
  const [match, another] = found.filter((one) => one !== null);
  // Two in one line are the lines of two ranks, run into each other: nobody knows which of them a figure belongs to.
  if (match === undefined || another !== undefined) return null;
  const fields = readFields(parts.filter((_, index) => found[index] === null));
  if (fields === null) return null;
  const head = parts.slice(0, found.indexOf(match) + 1).join('|');
  return { iteration: Number(match[1]), total: Number(match[2]), tsMs: stampOf(head), rank: rankOf(head), fields };
}

/** Null when a name comes twice: then it is two lines. */
function readFields(parts: readonly string[]): IterationLine['fields'] | null {
  const fields = new Map<string, readonly number[]>();
  for (const [index, part] of parts.entries()) {
    const at = part.lastIndexOf(':');
    if (at === -1) continue;
    const written = part.slice(0, at).trim();
    const name = index === 0 ? written.replace(PREFIXED_NAME, '') : written;
    const numbers = readNumbers(part.slice(at + 1).trim());
    if (fields.has(name)) return null;
    if (numbers !== null) fields.set(name, numbers);
  }
  return fields;
}

function readNumbers(text: string): readonly number[] | null {
  const items = text.split('/').map((item) => item.replace(UNIT, ''));
  return items.every((item) => NUMBER.test(item)) ? items.map(toNumber) : null;
}

function toNumber(text: string): number {
  return Number(text.replace(/inf$/i, 'Infinity'));
}

const STAMP = /\[(\d{4})-?(\d\d)-?(\d\d) (\d\d):(\d\d):(\d\d)(\.\d{1,6})?\]/g;

/** The stamp nearest to the iteration; one that a logger put before it is of a whole second only. */
function stampOf(head: string): number | null {
  const stamp = [...head.matchAll(STAMP)].at(-1);
  if (stamp === undefined) return null;
  const [, year, month, day, hour, minute, second, fraction = ''] = stamp;
  const ms = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`) + Number(`0${fraction}`) * 1000;
  return Number.isNaN(ms) ? null : ms;
}

const RANK = /\[rank-?(\d{1,7})(?:\/\d+)?\]|\[default(\d{1,7})\]:/g;

/** `[rank-7/8]` of Primus, `[rank7]:` of torch and `[default7]:` of torchrun, which counts within a node. */
function rankOf(head: string): number | null {
  const rank = [...head.matchAll(RANK)].at(-1);
  return rank === undefined ? null : Number(rank[1] ?? rank[2]);
}
