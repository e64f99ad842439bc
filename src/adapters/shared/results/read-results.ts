import { readAiperf } from './aiperf.ts';
import { Fields, isRecord, Notes } from './fields.ts';
import type { JsonRecord } from './fields.ts';
import { FORMATS, formatOf } from './formats.ts';
import { readInferencex } from './inferencex.ts';
import { breakIn, parseJson, placeIn, snippetAt, unreadable } from './json-text.ts';
import { refuseOtherKinds } from './other-kinds.ts';
import type { ResultFormat, ResultRun } from './result-run.ts';
import { readSglangBench } from './sglang-bench.ts';
import { readVllmBench } from './vllm-bench.ts';

/** A run of a result file, with its place in the order of the file: it can be found there again. */
export interface FoundRun extends ResultRun {
  readonly entry: number;
  /** `summary.json[2]`, `results.jsonl:3`, or the file alone. */
  readonly where: string;
}

/** What a result file holds. */
export interface ResultFile {
  readonly format: ResultFormat;
  /** At least one. */
  readonly runs: readonly FoundRun[];
}

/**
 * Reads a result file by its name and bytes, as the format that it looks like or the one that is given. What can be
 * kept is kept; each run says what could not.
 *
 * @throws AssayError PARSE_FAILED with the place, what is there, and the next step, when nothing can be kept.
 */
export function readResults(
  { file, bytes }: { readonly file: string; readonly bytes: Uint8Array },
  given: ResultFormat | null = null,
): ResultFile {
  const text = refuseOtherKinds(file, bytes);
  const { objects, notes } = objectsIn(file, text, given);
  const format = given ?? formatOf(objects.map(({ record }) => record));
  if (format === null) throw unknownShape(file, objects);
  const runs = format === 'aiperf' ? aiperfRun(file, { objects, notes }) : objects.map(readerOf(format, notes));
  const telling = runs.filter(saysSomething);
  if (telling.length === 0) throw nothingIn(file, format, objects);
  const silent = runs
    .filter((run) => !saysSomething(run))
    .map(({ where }) => `${where} has no figure of ${format}: left out`);
  return { format, runs: telling.map((run) => ({ ...run, dropped: [...silent, ...run.dropped] })) };
}

/** One object of a file that may hold a run, or a request of one. */
interface Found {
  readonly record: JsonRecord;
  readonly entry: number;
  readonly where: string;
  readonly path: string;
}

interface Objects {
  readonly objects: readonly Found[];
  /** What of the file is left out, whatever the run. */
  readonly notes: readonly string[];
}

function objectsIn(file: string, text: string, given: ResultFormat | null): Objects {
  const whole = parseJson(text);
  if (whole.state === 'read') return objectsOf(file, text, whole.value);
  const lines = text.trimStart().startsWith('{') ? linesIn(file, text, given) : null;
  if (lines !== null) return lines;
  const { reason, isCutShort } = whole;
  const at = isCutShort ? text.length : breakIn(text, reason);
  const size = `${Buffer.byteLength(text)} bytes`;
  const what = isCutShort ? `is cut short: its JSON ends in the middle, after ${size}` : `is no JSON (${reason})`;
  throw unreadable(
    `${placeIn(file, text, at)} ${what}: ${snippetAt(text, at)}`,
    isCutShort ? 'copy the file again, whole' : 'give the file as the benchmark wrote it',
  );
}

function objectsOf(file: string, text: string, value: unknown): Objects {
  if (isRecord(value)) return { objects: [{ record: value, entry: 0, where: file, path: '' }], notes: [] };
  const list: readonly unknown[] = Array.isArray(value) ? value : [];
  const objects = list.flatMap((record, entry) =>
    isRecord(record) ? [{ record, entry, where: file, path: `[${entry}]` }] : [],
  );
  if (objects.length === 0) {
    throw unreadable(`${file}:1:1 holds no object: ${snippetAt(text.trim(), 0)}`, EXPECTED);
  }
  const others = list.flatMap((one, entry) => (isRecord(one) ? [] : [`${file}: [${entry}] is no object: left out`]));
  return { objects, notes: others };
}

/** The objects of a file of lines; null when it is none. */
function linesIn(file: string, text: string, given: ResultFormat | null): Objects | null {
  const objects: Found[] = [];
  const notes = new Notes();
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const where = `${file}:${index + 1}`;
    const record = objectIn(line, given);
    if (typeof record === 'string') notes.add(`${where} ${record} (${snippetAt(line, 0)}): left out`);
    else objects.push({ record, entry: index, where, path: '' });
  }
  // The pieces of one object that was written over many lines are no results of their own.
  const isLines = objects.some(({ record }) => formatOf([record]) !== null);
  return isLines ? { objects, notes: notes.list() } : null;
}

/** The object of a line, or why there is none. A number that JSON lacks is SGLang's way to say that it sets no rate. */
function objectIn(line: string, given: ResultFormat | null): JsonRecord | string {
  const strict = parseJson(line);
  if (strict.state === 'read') return isRecord(strict.value) ? strict.value : 'is no JSON object';
  const lax = parseJson(line, { infinities: true });
  if (lax.state === 'broken') return lax.isCutShort ? 'is cut short' : 'is no JSON';
  if (isRecord(lax.value) && (given ?? formatOf([lax.value])) === 'sglang-bench') return lax.value;
  return 'has a number that JSON lacks';
}

function readerOf(format: Exclude<ResultFormat, 'aiperf'>, dropped: readonly string[]): (found: Found) => FoundRun {
  const read = { 'vllm-bench': readVllmBench, 'sglang-bench': readSglangBench, 'inferencex-agg': readInferencex }[
    format
  ];
  return ({ record, entry, where, path }) => {
    const notes = notesWith(dropped);
    return { ...read(new Fields(record, { where, path }, notes)), entry, where: `${where}${path}` };
  };
}

function aiperfRun(file: string, { objects, notes: dropped }: Objects): readonly FoundRun[] {
  const notes = notesWith(dropped);
  const requests = objects.filter(({ record }) => FORMATS.aiperf.isLike(record));
  for (const { record, where } of objects) {
    if (!FORMATS.aiperf.isLike(record)) notes.add(`${where} is no request of AIPerf: left out`);
  }
  const lines = requests.map(({ record, where, path }) => new Fields(record, { where, path }, notes));
  return [{ ...readAiperf(lines, { file, notes }), entry: 0, where: file }];
}

function notesWith(sentences: readonly string[]): Notes {
  const notes = new Notes();
  for (const sentence of sentences) notes.add(sentence);
  return notes;
}

/** Whether a run has a request or a figure; a summary of failures only has counts, and says something too. */
function saysSomething({ rows, scalars }: ResultRun): boolean {
  const { warmup_requests: _warmups, ...figures } = scalars;
  return rows.length > 0 || Object.values(figures).some((value) => value !== null);
}

const EXPECTED = `give a file of ${Object.values(FORMATS)
  .map(({ title }) => title)
  .join(', or ')}`;

function unknownShape(file: string, [first]: readonly Found[]): Error {
  const fields = Object.keys(first?.record ?? {});
  const some = `${fields.slice(0, 8).join(', ')}${fields.length > 8 ? ', ...' : ''}`;
  const what = fields.length === 0 ? 'has an object without fields' : `has the fields ${some}`;
  return unreadable(
    `${first?.where ?? file}${first?.path ?? ''} ${what}: no known result`,
    `${EXPECTED}; --format says which`,
  );
}

function nothingIn(file: string, format: ResultFormat, [first]: readonly Found[]): Error {
  const fields = Object.keys(first?.record ?? {}).slice(0, 8);
  const what = `${file} has no figure that ${format} files have (its fields: ${fields.join(', ') || 'none'})`;
  return unreadable(what, format === 'aiperf' ? 'give an export with measured requests' : EXPECTED);
}
