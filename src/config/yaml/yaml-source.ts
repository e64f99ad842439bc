import type { Place } from './place.ts';
import type { Complaint, Problem } from './problem.ts';
import { soundsSecret } from '../schema/secrets.ts';
import { shorten, show } from '../issues/show.ts';
import { readDocument } from './yaml-document.ts';
import type { PathStep, YamlNode } from './yaml-node.ts';
import { readEvents } from './yaml-syntax.ts';
import { emptyFile } from './yaml-traps.ts';

export type { PathStep } from './yaml-node.ts';

/** A parsed YAML document that still knows where everything was written. */
export interface YamlSource {
  readonly file: string;
  readonly value: unknown;
  /** The place of a field; the line and column of the nearest enclosing one when the field itself is missing. */
  locate(path: readonly PathStep[]): Place;
}

/** What reading a file gave: a document, null when it is no YAML at all, and everything wrong with its notation. */
export interface YamlReading {
  readonly source: YamlSource | null;
  readonly problems: readonly Problem[];
}

/** Parses one YAML document (1.2 core schema). Whatever the text is, this returns; what is wrong with it is a problem. */
export function parseYaml(file: string, withMark: string): YamlReading {
  const text = withMark.replace(/^\uFEFF/, '');
  const locationOf = indexLines(text);
  const placeOf = (offset: number, path: readonly PathStep[]): Place => ({
    file,
    ...locationOf(offset),
    path: printPath(path),
  });
  const toProblem = ({ offset, path = [], ...complaint }: PlacedComplaint): Problem => ({
    ...placeOf(offset, path),
    ...withoutSecrets(complaint, lineAround(text, offset)),
  });
  const { events, mistakes } = readEvents(text);
  if (events === null) return { source: null, problems: mistakes.map(toProblem) };
  const { root, traps } = readDocument({ text, events, lineAt: (offset) => locationOf(offset).line });
  const placed = mistakes.map((mistake) => {
    const path = pathAt(root, mistake.offset);
    // In another line than its field, a mistake may be one of indentation: it belongs to no field yet.
    const isInside = locationOf(offsetOf(root, path)).line === locationOf(mistake.offset).line;
    return isInside ? { ...mistake, path } : mistake;
  });
  const problems = [...placed, ...traps].map(toProblem);
  if (root.value === null) return { source: null, problems: [...problems, toProblem({ offset: 0, ...emptyFile })] };
  const locate = (path: readonly PathStep[]): Place => placeOf(offsetOf(root, path), path);
  return { source: { file, value: root.value, locate }, problems };
}

interface PlacedComplaint extends Complaint {
  readonly offset: number;
  readonly path?: readonly PathStep[];
}

const FIELD_OF_TEXT = /(?<!\w)([A-Za-z_]\w*)["']?\s*[:=]\s*["']?([^"',{}[\]]{3,})/g;
/** So much of a secret is none of it. */
const TELLTALE = 6;

/** A complaint that does not show what stands behind a name like `HF_TOKEN` in its line. */
function withoutSecrets(complaint: Complaint, line: string): Complaint {
  const told = `${complaint.message} ${complaint.hint}`;
  for (const [, name = '', value = ''] of line.matchAll(FIELD_OF_TEXT)) {
    if (!soundsSecret(name) || !told.includes(value.slice(0, TELLTALE))) continue;
    return {
      message: `cannot be read, and is not shown: ${name} sounds like a secret`,
      hint: 'declare it under `secrets:`, and write no value here',
    };
  }
  return complaint;
}

function lineAround(text: string, offset: number): string {
  const start = Math.max(text.lastIndexOf('\n', offset - 1), text.lastIndexOf('\r', offset - 1)) + 1;
  const end = text.slice(offset).search(/[\r\n]/);
  return text.slice(start, end === -1 ? undefined : offset + end);
}

const WORD = /^[^\s.[\]{}"'`:,]+$/;

/** A path for people: `thresholds[2].op`, `knobs["a b"]`. */
function printPath(path: readonly PathStep[]): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`;
    if (!WORD.test(step)) return `${text}[${show(step)}]`;
    return text === '' ? shorten(step) : `${text}.${shorten(step)}`;
  }, '');
}

function offsetOf(root: YamlNode, path: readonly PathStep[]): number {
  let node = root;
  let offset = 0;
  for (const step of path) {
    const entry = node.entries.get(step);
    if (entry === undefined) break;
    ({ node, offset } = entry);
  }
  return offset;
}

/** The field or item that an offset belongs to. */
function pathAt(node: YamlNode, offset: number): readonly PathStep[] {
  const found = [...node.entries].findLast(([, entry]) => entry.offset <= offset);
  return found === undefined ? [] : [found[0], ...pathAt(found[1].node, offset)];
}

type Location = Pick<Place, 'line' | 'column'>;

/** Finds lines and columns; nothing is counted until one is asked for. */
function indexLines(text: string): (offset: number) => Location {
  let starts: readonly number[] | null = null;
  return (offset) => {
    starts ??= [0, ...Array.from(text.matchAll(/\r\n|\r|\n/g), (found) => found.index + found[0].length)];
    const line = lastAtOrBefore(starts, offset);
    return { line: line + 1, column: offset - (starts[line] ?? 0) + 1 };
  };
}

/** The index of the last number that is not above a limit; the numbers ascend from 0. */
function lastAtOrBefore(numbers: readonly number[], limit: number): number {
  let low = 0;
  let high = numbers.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((numbers[middle] ?? 0) <= limit) low = middle;
    else high = middle;
  }
  return low;
}
