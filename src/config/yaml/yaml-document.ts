import { COLLECTION_STYLE, EVENT_ID, getScalarValue, SCALAR_STYLE } from 'js-yaml';
import type { AliasEvent, Event, MappingEvent, ScalarEvent, SequenceEvent } from 'js-yaml';
import { nearest } from '../../core/nearest.ts';
import { collectionNode, mappingNode, mergeNodes, scalarNode } from './yaml-node.ts';
import type { Entry, PathStep, YamlNode } from './yaml-node.ts';
import { lookalikeTrap, plainTrap, plainValue, taggedValue } from './yaml-scalar.ts';
import * as traps from './yaml-traps.ts';
import type { Complaint } from './problem.ts';

/** How deep a document may be nested, its aliases written out. */
export const MAX_DEPTH = 64;
/** How many values a document may have, its aliases written out. */
const MAX_VALUES = 100_000;

/** Notation that means something else than its writer thought. */
export interface Trap extends Complaint {
  readonly offset: number;
  readonly path: readonly PathStep[];
}

/** A text and what js-yaml's parser saw in it. */
interface ParsedText {
  readonly text: string;
  readonly events: readonly Event[];
  /** The line of an offset, 1-based. */
  readonly lineAt: (offset: number) => number;
}

/**
 * Builds the value of the first document of an event stream, and finds its traps on the way. js-yaml would throw
 * at the first of them; here a value stands in for each, so that whatever else is wrong is found too.
 */
export function readDocument(parsed: ParsedText): { readonly root: YamlNode; readonly traps: readonly Trap[] } {
  const reading: Reading = { ...parsed, next: 1, path: [], anchors: new Map(), values: 0, traps: [] };
  const root = readNode(reading, 0);
  checkSecondDocument(reading);
  return { root, traps: reading.traps };
}

interface Reading extends ParsedText {
  /** Index of the next event. */
  next: number;
  /** Of the value being read. */
  readonly path: PathStep[];
  /** Null while the marked value is still being read. */
  readonly anchors: Map<string, YamlNode | null>;
  /** Read so far, aliases written out. */
  values: number;
  readonly traps: Trap[];
}

function report(reading: Reading, offset: number, complaint: Complaint): void {
  reading.traps.push({ offset, path: [...reading.path], ...complaint });
}

function within<T>({ path }: Reading, step: PathStep, read: () => T): T {
  path.push(step);
  const result = read();
  path.pop();
  return result;
}

/** Reads the next value; an empty one is said to stand at `offset`. */
function readNode(reading: Reading, offset: number): YamlNode {
  const event = reading.events[reading.next++];
  reading.values++;
  if (event?.type === EVENT_ID.ALIAS) return readAlias(reading, event);
  if (event === undefined || !('anchorStart' in event)) return scalarNode(null);
  if (event.anchorStart < 0) return readContent(reading, event, offset);
  const anchor = reading.text.slice(event.anchorStart, event.anchorEnd);
  reading.anchors.set(anchor, null);
  const node = readContent(reading, event, offset);
  reading.anchors.set(anchor, node);
  return node;
}

type ContentEvent = ScalarEvent | SequenceEvent | MappingEvent;

function readContent(reading: Reading, event: ContentEvent, offset: number): YamlNode {
  if (event.type === EVENT_ID.SCALAR) return scalarNode(readScalar(reading, event, offset));
  return event.type === EVENT_ID.SEQUENCE ? readSequence(reading, event) : readMapping(reading, event);
}

function readAlias(reading: Reading, { anchorStart, anchorEnd }: AliasEvent): YamlNode {
  const name = reading.text.slice(anchorStart, anchorEnd);
  const node = reading.anchors.get(name);
  const trap = aliasTrap(reading, name);
  if (trap !== null) report(reading, anchorStart - 1, trap);
  if (trap !== null || !node) return scalarNode(null);
  reading.values += node.size;
  return node;
}

function aliasTrap({ anchors, values, path }: Reading, name: string): Complaint | null {
  const node = anchors.get(name);
  if (node === undefined) return traps.unknownAlias(name, nearest(name, anchors.keys()));
  if (node === null) return traps.endlessAlias(name);
  if (values + node.size > MAX_VALUES) return traps.oversizedAlias(name, `${MAX_VALUES} values`);
  return path.length + node.height > MAX_DEPTH ? traps.oversizedAlias(name, `${MAX_DEPTH} levels`) : null;
}

function readScalar(reading: Reading, event: ScalarEvent, emptyOffset: number): unknown {
  const written = getScalarValue(reading.text, event);
  if (event.tagStart >= 0) return readTagged(reading, event, written);
  if (event.style !== SCALAR_STYLE.PLAIN) {
    if (written === '') checkEmptyBlock(reading, event);
    return written;
  }
  const trap = plainTrap(written);
  if (trap !== null) report(reading, Math.max(event.valueStart, emptyOffset), trap);
  return plainValue(written);
}

const BLOCK_MARKS: ReadonlyMap<number, string> = new Map([
  [SCALAR_STYLE.LITERAL_BLOCK, '|'],
  [SCALAR_STYLE.FOLDED_BLOCK, '>'],
]);

function checkEmptyBlock(reading: Reading, { style, valueStart }: ScalarEvent): void {
  const mark = BLOCK_MARKS.get(style);
  if (mark === undefined) return;
  report(reading, reading.text.lastIndexOf(mark, valueStart - 1), traps.emptyBlock(mark));
}

function readTagged(reading: Reading, { tagStart, tagEnd, valueEnd }: ScalarEvent, written: string): unknown {
  const tag = reading.text.slice(tagStart, tagEnd);
  const value = taggedValue(tag, written);
  if (value !== undefined) return value;
  report(reading, tagStart, traps.unknownTag(tag, reading.text.slice(tagStart, Math.max(tagEnd, valueEnd))));
  return plainValue(written);
}

function checkTag(reading: Reading, { tagStart, tagEnd }: ContentEvent, known: string): void {
  const tag = reading.text.slice(tagStart, tagEnd);
  if (tagStart >= 0 && tag !== known) report(reading, tagStart, traps.unknownTag(tag, tag));
}

function readSequence(reading: Reading, event: SequenceEvent): YamlNode {
  checkTag(reading, event, '!!seq');
  const entries = new Map<PathStep, Entry>();
  while (!atEnd(reading)) {
    const offset = Math.max(event.start, offsetOf(reading.events[reading.next]));
    entries.set(entries.size, { offset, node: within(reading, entries.size, () => readNode(reading, offset)) });
  }
  return collectionNode(
    [...entries.values()].map(({ node }) => node.value),
    entries,
  );
}

/** Consumes the end of a collection when it is next. */
function atEnd(reading: Reading): boolean {
  const event = reading.events[reading.next];
  const isEnd = event === undefined || event.type === EVENT_ID.POP;
  if (isEnd) reading.next++;
  return isEnd;
}

function offsetOf(event: Event | undefined): number {
  if (event?.type === EVENT_ID.SCALAR) return event.valueStart;
  if (event?.type === EVENT_ID.ALIAS) return event.anchorStart - 1;
  return event !== undefined && 'start' in event ? event.start : -1;
}

interface MappingDraft {
  readonly event: MappingEvent;
  readonly entries: Map<PathStep, Entry>;
  /** What its `<<` fields repeat. */
  readonly merged: YamlNode[];
}

function readMapping(reading: Reading, event: MappingEvent): YamlNode {
  checkTag(reading, event, '!!map');
  const mapping: MappingDraft = { event, entries: new Map(), merged: [] };
  while (!atEnd(reading)) readField(reading, mapping);
  return mapping.merged.reduce(mergeNodes, mappingNode(mapping.entries));
}

function readField(reading: Reading, mapping: MappingDraft): void {
  const event = reading.events[reading.next];
  const offset = Math.max(mapping.event.start, offsetOf(event));
  const isPlain = event?.type === EVENT_ID.SCALAR && event.style === SCALAR_STYLE.PLAIN;
  const name = readName(reading, offset);
  const read = (): YamlNode => readNode(reading, offset);
  if (name === null) read();
  else if (isPlain && name === '<<') mapping.merged.push(...within(reading, name, () => readMerged(reading, offset)));
  else addField(reading, mapping, (isPlain && readGlued(reading, mapping, { name, offset })) || { name, offset, read });
}

/** The name of the next field; null, and a trap, where there is none that a field can have. */
function readName(reading: Reading, offset: number): string | null {
  const event = reading.events[reading.next];
  const isMissing = event?.type === EVENT_ID.SCALAR && event.valueStart < 0;
  if (event?.type === EVENT_ID.SCALAR && !isMissing) return readScalarName(reading, event);
  if (isMissing) report(reading, offset, traps.namelessField);
  const { value } = readNode(reading, offset);
  if (isMissing || value === null) return null;
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return `${value}`;
  report(reading, offset, traps.complexKey);
  return null;
}

function readScalarName(reading: Reading, event: ScalarEvent): string {
  const name = getScalarValue(reading.text, event);
  reading.next++;
  if (event.anchorStart >= 0)
    reading.anchors.set(reading.text.slice(event.anchorStart, event.anchorEnd), scalarNode(name));
  const trap = event.style === SCALAR_STYLE.PLAIN ? lookalikeTrap(name) : null;
  within(reading, name, () => {
    checkTag(reading, event, '!!str');
    if (trap !== null) report(reading, event.valueStart, trap);
  });
  return name;
}

interface Field {
  readonly name: string;
  readonly offset: number;
  readonly read: () => YamlNode;
}

function addField(reading: Reading, { entries }: MappingDraft, { name, offset, read }: Field): void {
  const first = entries.get(name);
  const node = within(reading, name, () => {
    if (first !== undefined) report(reading, offset, traps.duplicateKey(reading.lineAt(first.offset)));
    // JavaScript gives it a meaning of its own: no schema would ever see it.
    if (name === '__proto__') report(reading, offset, traps.reservedName);
    return read();
  });
  entries.set(name, first === undefined ? { offset, node } : { ...first, node: mergeNodes(first.node, node) });
}

function readMerged(reading: Reading, offset: number): readonly YamlNode[] {
  report(reading, offset, traps.mergeKey);
  const node = readNode(reading, offset);
  return Array.isArray(node.value) ? [...node.entries.values()].map((entry) => entry.node) : [node];
}

const GLUED = /^([\w.-]+):(?!\/\/)(\S.*)$/;

/** `{count:1}` is a field called `count:1` to YAML; here it is the one that was meant. */
function readGlued(reading: Reading, { event }: MappingDraft, key: Omit<Field, 'read'>): Field | null {
  const next = reading.events[reading.next];
  const isAlone = next?.type === EVENT_ID.SCALAR && next.valueStart < 0 && next.tagStart < 0 && next.anchorStart < 0;
  const [, name, value] = GLUED.exec(key.name) ?? [];
  if (event.style !== COLLECTION_STYLE.FLOW || !isAlone || name === undefined || value === undefined) return null;
  reading.next++;
  const read = (): YamlNode => {
    report(reading, key.offset, traps.gluedField(name, value));
    return scalarNode(plainValue(value));
  };
  return { ...key, name, read };
}

function checkSecondDocument(reading: Reading): void {
  const { events, text, next } = reading;
  const [first, second] = [events[0], events[next + 1]];
  if (first?.type !== EVENT_ID.DOCUMENT || second?.type !== EVENT_ID.DOCUMENT) return;
  const markers = [...text.matchAll(/(?<![^\r\n])---(?!\S)/g)];
  const marker = second.explicitStart ? markers[first.explicitStart ? 1 : 0] : undefined;
  report(reading, marker?.index ?? Math.max(0, offsetOf(events[next + 2])), traps.secondDocument);
}
