import { AssayError, messageOf } from '../../../core/errors.ts';

/** JSON, or why a text is none. */
export type JsonText =
  | { readonly state: 'read'; readonly value: unknown }
  | { readonly state: 'broken'; readonly reason: string; readonly isCutShort: boolean };

/** Reads JSON. With `infinities`, the numbers that Python writes and JSON lacks are the text `inf`, or null. */
export function parseJson(text: string, { infinities = false } = {}): JsonText {
  const json = infinities ? withoutInfinities(text) : text;
  try {
    return { state: 'read', value: JSON.parse(json) };
  } catch (thrown) {
    const reason = messageOf(thrown);
    return { state: 'broken', reason, isCutShort: isAtEnd(reason, json) };
  }
}

/** Whether what is wrong with a text is that there is no more of it. */
function isAtEnd(reason: string, text: string): boolean {
  return /^Unexpected end|^Unterminated/.test(reason) || positionIn(reason) === text.length;
}

function positionIn(reason: string): number | null {
  const position = /at position (\d+)/.exec(reason)?.[1];
  return position === undefined ? null : Number(position);
}

/** Where a text that is no JSON, for this reason, stops being the beginning of some. V8 does not always say it. */
export function breakIn(text: string, reason: string): number {
  const position = positionIn(reason);
  if (position !== null) return position;
  let [whole, broken] = [0, text.length];
  while (broken - whole > 1) {
    const middle = Math.floor((whole + broken) / 2);
    if (isBeginning(text.slice(0, middle))) whole = middle;
    else broken = middle;
  }
  return whole;
}

function isBeginning(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch (thrown) {
    return isAtEnd(messageOf(thrown), text);
  }
}

// A string is taken whole, so that a prompt about Infinity stays as it is.
const TOKENS = /"[^"\\]*(?:\\[^][^"\\]*)*"|-?\bInfinity\b|\bNaN\b/g;

function withoutInfinities(text: string): string {
  if (!/Infinity|NaN/.test(text)) return text;
  return text.replaceAll(TOKENS, (token) => {
    if (token.startsWith('"')) return token;
    return token === 'NaN' ? 'null' : `"${token.replace('Infinity', 'inf')}"`;
  });
}

/** `file:line:column` of a place in its text. */
export function placeIn(file: string, text: string, at: number): string {
  const before = text.slice(0, at);
  return `${file}:${before.split('\n').length}:${at - before.lastIndexOf('\n')}`;
}

/** A text around a place, on one line. */
export function snippetAt(text: string, at: number): string {
  const [start, end] = [Math.max(0, at - 40), Math.min(text.length, at + 30)];
  const words = text.slice(start, end).replaceAll(/\s+/g, ' ').trim();
  return `${start > 0 ? '...' : ''}${words}${end < text.length ? '...' : ''}`;
}

/** The error of a file that cannot be read, with its place and the next step. */
export function unreadable(message: string, hint: string): AssayError {
  return new AssayError('PARSE_FAILED', message, { hint });
}
