import { displayWidth, indexAtWidth, printable } from '../../core/display-width.ts';
import { AssayError } from '../../core/errors.ts';
import type { ErrorCode } from '../../core/errors.ts';
import { nearest } from '../../core/nearest.ts';
import { mentions, VIEWS } from './query-views.ts';

/** A text of SQL, and how errors name it. */
export interface Query {
  readonly sql: string;
  readonly name: string;
}

/** What DuckDB says of a mistake, as a known error: the place in the query, its line with a mark, and what may be meant. */
export function mistakeIn(query: Query, complaint: string, columns: readonly string[]): AssayError {
  const { sentence, rest, marker } = partsOf(complaint);
  const { code, hint } = adviceFor({ sentence, rest, sql: query.sql, columns });
  if (marker === null) return new AssayError(code, `${query.name}: ${sentence}`, { hint });
  const { line, source, caret } = marker;
  const index = indexAtWidth(source, caret);
  const column = columnIn(query.sql.split('\n')[line - 1] ?? '', source, index);
  const shown = `   ${shownText(source)}\n   ${' '.repeat(displayWidth(shownText(source.slice(0, index))))}^`;
  return new AssayError(code, `${query.name}:${line}:${column}: ${sentence}\n\n${shown}\n`, { hint });
}

function shownText(source: string): string {
  return printable(source.replaceAll('\t', ' '));
}

interface Marker {
  /** From 1. */
  readonly line: number;
  /** The line, of a long one a part between dots. */
  readonly source: string;
  /** How wide `source` is up to the place. */
  readonly caret: number;
}

interface Parts {
  readonly sentence: string;
  readonly rest: string;
  readonly marker: Marker | null;
}

function partsOf(complaint: string): Parts {
  const text = complaint.replace(/^Failed to extract statements: /, '');
  const found = /\n\n?(?<head>LINE (?<line>\d+): )(?<source>.*)\n(?<blanks> *)\^/.exec(text)?.groups;
  const [sentence = '', ...rest] = text.split(/\n+(?:LINE \d+: [^]*)?/);
  return {
    sentence: sentence.replace(/^[\w ]+ Error: /, ''),
    rest: rest.join('\n'),
    marker: found === undefined ? null : markerOf(found),
  };
}

function markerOf({ head = '', line, source = '', blanks = '' }: Readonly<Record<string, string>>): Marker {
  return { line: Number(line), source, caret: Math.max(0, blanks.length - head.length) };
}

/** The column, from 1, of a place in a part of a line. */
function columnIn(line: string, source: string, index: number): number {
  const part = source.replaceAll(/^\.\.\.|\.\.\.$/g, '');
  const dots = source.startsWith('...') ? 3 : 0;
  return Math.max(0, line.indexOf(part)) - dots + index + 1;
}

interface Complaint {
  readonly sentence: string;
  readonly rest: string;
  readonly sql: string;
  readonly columns: readonly string[];
}

interface Advice {
  readonly code: ErrorCode;
  readonly hint: string;
}

/** Each kind of complaint by what it says, with the next step. */
const ADVICE: readonly (readonly [RegExp, (found: string, complaint: Complaint) => string])[] = [
  [/(?:column "|column named )"?([^"]+)" not found|have a column named "([^"]+)"/, adviceOnColumn],
  [/^Table with name (.+?) does not exist|^Referenced table "(.+?)" not found/, adviceOnTable],
  [/exists in the (.+?) extension/, () => 'extensions are not loaded: use what is built in'],
  [/^(Cannot access) |(disabled through configuration)/, () => `a query reads ${VIEWS.join(', ')}, and nothing else`],
];

function adviceFor(complaint: Complaint): Advice {
  const { sentence, rest } = complaint;
  if (/\.parquet\b/.test(sentence) && !sentence.startsWith('Cannot access')) {
    return { code: 'EVIDENCE_DAMAGED', hint: 'assay verify --evidence says which runs are damaged' };
  }
  for (const [pattern, advise] of ADVICE) {
    const [matched, ...found] = pattern.exec(sentence) ?? [];
    if (matched !== undefined)
      return { code: 'USAGE', hint: advise(found.find((one) => one !== undefined) ?? '', complaint) };
  }
  const meant = /Did you mean "(.+?)"/.exec(rest)?.[1];
  if (meant !== undefined) return { code: 'USAGE', hint: `did you mean ${meant}?` };
  return { code: 'USAGE', hint: rest.split('\n', 1)[0]?.trim() || 'see assay query --help for examples' };
}

function adviceOnColumn(name: string, { sql, columns }: Complaint): string {
  const meant = nearest(name, columns);
  if (meant !== null) return `did you mean ${meant}?`;
  if (sql.includes(`"${name}"`)) return `a text takes single quotes: '${name}'`;
  const [view = 'runs'] = VIEWS.filter((one) => mentions(sql, one));
  return `DESCRIBE ${view} lists the columns`;
}

function adviceOnTable(name: string, { rest }: Complaint): string {
  const meant = nearest(name, VIEWS) ?? /Candidate tables: "(.+?)"/.exec(rest)?.[1];
  return meant === undefined ? `there are ${VIEWS.join(', ')}` : `did you mean ${meant}?`;
}
