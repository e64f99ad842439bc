import { EVENT_ID, getScalarValue, load, parseEvents, YAMLException } from 'js-yaml';
import type { Event } from 'js-yaml';
import type { Place } from './place.ts';
import type { Problem } from './problem.ts';

/** A step into a document: a field name or an index. */
export type PathStep = string | number;

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

/** Parses one YAML document (1.2 core schema: duplicate keys are errors, `yes` is a string). */
export function parseYaml(file: string, text: string): YamlReading {
  try {
    const value = load(text);
    const offsets = indexOffsets(text);
    const locate = (path: readonly PathStep[]): Place => ({
      file,
      path: printPath(path),
      ...locationAt(text, nearestOffset(offsets, path)),
    });
    return { source: { file, value, locate }, problems: [] };
  } catch (thrown) {
    if (!(thrown instanceof YAMLException)) throw thrown;
    const problem = {
      file,
      line: (thrown.mark?.line ?? 0) + 1,
      column: (thrown.mark?.column ?? 0) + 1,
      path: '',
      message: thrown.reason,
      hint: 'correct the YAML here',
    };
    return { source: null, problems: [problem] };
  }
}

/** A path for people: `thresholds[2].op`. */
function printPath(path: readonly PathStep[]): string {
  return path.reduce<string>(
    (text, step) => (typeof step === 'number' ? `${text}[${step}]` : text === '' ? step : `${text}.${step}`),
    '',
  );
}

function nearestOffset(offsets: ReadonlyMap<string, number>, path: readonly PathStep[]): number {
  for (let length = path.length; length >= 0; length--) {
    const offset = offsets.get(keyOf(path.slice(0, length)));
    if (offset !== undefined) return offset;
  }
  return 0;
}

function keyOf(path: readonly PathStep[]): string {
  return JSON.stringify(path.map(String));
}

function locationAt(text: string, offset: number): Pick<Place, 'line' | 'column'> {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf('\n') + 1;
  return { line: before.split('\n').length, column: offset - lineStart + 1 };
}

type Container =
  | { readonly kind: 'document' }
  | { readonly kind: 'mapping'; readonly path: readonly PathStep[]; key: string | null }
  | { readonly kind: 'sequence'; readonly path: readonly PathStep[]; next: number };

// load() forgets positions; one walk over the event stream of the same parser
// remembers the offset of every key (in a mapping) and item (in a sequence).
function indexOffsets(text: string): ReadonlyMap<string, number> {
  const offsets = new Map<string, number>();
  const open: Container[] = [];
  for (const event of parseEvents(text, {})) {
    if (event.type === EVENT_ID.POP) open.pop();
    else visit(event, { text, open, offsets });
  }
  return offsets;
}

interface Walk {
  readonly text: string;
  readonly open: Container[];
  readonly offsets: Map<string, number>;
}

function visit(event: Event, { text, open, offsets }: Walk): void {
  const parent = open.at(-1);
  if (event.type === EVENT_ID.SCALAR && parent?.kind === 'mapping' && parent.key === null) {
    parent.key = getScalarValue(text, event);
    offsets.set(keyOf([...parent.path, parent.key]), event.valueStart);
    return;
  }
  const path = enter(parent);
  if (parent?.kind !== 'mapping' && parent?.kind !== 'document') {
    offsets.set(keyOf(path), startOf(event));
  }
  if (event.type === EVENT_ID.DOCUMENT) open.push({ kind: 'document' });
  if (event.type === EVENT_ID.MAPPING) open.push({ kind: 'mapping', path, key: null });
  if (event.type === EVENT_ID.SEQUENCE) open.push({ kind: 'sequence', path, next: 0 });
}

function enter(parent: Container | undefined): readonly PathStep[] {
  if (parent === undefined || parent.kind === 'document') return [];
  if (parent.kind === 'sequence') return [...parent.path, parent.next++];
  const path = [...parent.path, parent.key ?? ''];
  parent.key = null;
  return path;
}

function startOf(event: Event): number {
  if (event.type === EVENT_ID.SCALAR) return event.valueStart;
  return 'start' in event ? event.start : 0;
}
