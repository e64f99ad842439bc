import { shorten, show } from '../issues/show.ts';
import type { Diagnose } from './yaml-failure.ts';

const zeroByte: Diagnose = ({ reason, offset }) =>
  reason.startsWith('null byte')
    ? { offset, message: 'this is not UTF-8 text: it has a zero byte', hint: 'save the file as UTF-8' }
    : null;

const CONFLICT_MARKER = /^(?:<{7}|={7}|>{7}|\|{7})(?: .*)?$/m;

const mergeConflict: Diagnose = ({ text }) => {
  const found = CONFLICT_MARKER.exec(text);
  if (found === null) return null;
  const message = `${shorten(found[0])} is left over from a merge of two versions`;
  return { offset: found.index, message, hint: 'keep one of the versions, and remove the lines that mark them' };
};

/** `seed:\u00a01`, as text that was copied from a page has it. */
const hardSpace: Diagnose = ({ text, reason, offset, line, before }) => {
  if (!LOST_NAME.test(reason) && reason !== MISSED_COMMA) return null;
  for (const { start, text: written } of [...(before === null ? [] : [before]), line]) {
    const at = written.search(/:[\u00a0\u202f]/);
    if (at !== -1 && start + at <= offset) {
      const spot = start + at + 1;
      const message = 'a no-break space follows the colon, which is none to YAML';
      return { offset: spot, message, hint: 'write a plain space instead', mended: replaceAt(text, spot, ' ') };
    }
  }
  return null;
};

const TAB_INDENT = /^[ \t-]*\t/;

const tab: Diagnose = ({ text, line }) => {
  if (!TAB_INDENT.test(line.text)) return null;
  const more = text.split(/\r\n|\r|\n/).filter((other) => TAB_INDENT.test(other)).length - 1;
  return {
    offset: line.start + line.text.indexOf('\t'),
    message: `a tab indents this line${more === 0 ? '' : `, and ${more} more`}`,
    hint: 'indent with spaces, two for each level',
    mended: text.replaceAll(/(^|[\r\n])[ \t-]*\t/g, (indent) => indent.replaceAll('\t', ' ')),
  };
};

const depth: Diagnose = ({ reason, offset }) => {
  const [, levels] = /maxDepth \((\d+)\)/.exec(reason) ?? [];
  return levels === undefined
    ? null
    : { offset, message: `is nested deeper than ${levels} levels`, hint: 'write it flatter' };
};

const invisible: Diagnose = ({ text, reason, offset }) => {
  if (!/non-printable|valid JSON character/.test(reason)) return null;
  const code = (text.codePointAt(offset) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  return { offset, message: `has an invisible character (U+${code})`, hint: 'remove it' };
};

const escape: Diagnose = ({ text, reason, offset }) => {
  if (!/escape sequence|hexadecimal/.test(reason)) return null;
  const backslash = text.lastIndexOf('\\', offset);
  return {
    offset: backslash,
    message: `${shorten(text.slice(backslash, backslash + 2))} means nothing between double quotes`,
    hint: 'write \\\\ for a backslash, or use single quotes',
  };
};

const directive: Diagnose = ({ text, reason, offset }) =>
  /directive|YAML version/i.test(reason)
    ? {
        offset: Math.max(0, text.lastIndexOf('%', offset - 1)),
        message: 'a line that begins with % is an instruction to the YAML reader',
        hint: 'remove it',
      }
    : null;

const MISSED_COMMA = 'missed comma between flow collection entries';
const CLOSING: Readonly<Record<string, string>> = { '[': ']', '{': '}', '"': '"', "'": "'" };

const unclosed: Diagnose = ({ text, reason, offset }) => {
  const isMismatch = reason === MISSED_COMMA && /[\]}]/.test(text.charAt(offset));
  if (!isMismatch && !/^(?:unexpected end|deficient indentation)/.test(reason)) return null;
  const opener = openerBefore(text, offset);
  if (opener === null) return null;
  const mark = text.charAt(opener);
  const closing = CLOSING[mark] ?? mark;
  const isLater = reason.startsWith('deficient') && text.includes(closing, offset);
  return {
    offset: opener,
    message: `this ${mark} is not closed`,
    hint: isLater ? `close it with ${closing}, or indent the lines up to its ${closing}` : `close it with ${closing}`,
  };
};

/** The innermost bracket or quote that is still open at an offset. */
function openerBefore(text: string, offset: number): number | null {
  const open: number[] = [];
  const token = /(?<=^|[\s[{,:])(?:#[^\r\n]*|"(?:[^"\\]|\\[^])*"?|'(?:[^']|'')*'?)|[[\]{}]/g;
  for (const { 0: found, index } of text.matchAll(token)) {
    if (index >= offset) break;
    const isClosed = found.length > 1 && found.endsWith(found.charAt(0)) && index + found.length <= offset;
    if (/^["']/.test(found) && !isClosed) return index;
    if (found === '[' || found === '{') open.push(index);
    if (found === ']' || found === '}') open.pop();
  }
  return open.at(-1) ?? null;
}

const RESERVED = /^[>|@`%&*!?]/;

/** Unquoted text that begins with a character which means something to YAML: `op: >=`, `path: @home`. */
const reserved: Diagnose = ({ text, reason, offset, line }) => {
  const start =
    reason === 'a line break is expected'
      ? Math.max(text.lastIndexOf('|', offset - 1), text.lastIndexOf('>', offset - 1))
      : tokenStart(text, offset);
  const mark = text.charAt(start);
  if (start < line.start || !RESERVED.test(mark)) return null;
  const token = tokenAt(text, start);
  return {
    offset: start,
    message: `${token.length > 1 ? `${shorten(token)} begins with ${mark}, which` : mark} means something else in YAML`,
    hint: `write ${show(token)} in quotes`,
    mended: replaceAt(text, start, 'x'),
  };
};

/** A brace or bracket in unquoted text, where braces and brackets are notation: `{home: ${env:HOME}}`. */
const bracket: Diagnose = ({ text, offset }) => {
  const found = text.charAt(offset);
  if (!/[[{]/.test(found) || /[\s[\]{},]/.test(text.charAt(offset - 1))) return null;
  const start = tokenStart(text, offset);
  const end = text.indexOf(CLOSING[found] ?? '', offset);
  if (end === -1 || /[\r\n]/.test(text.slice(start, end))) return null;
  const token = text.slice(start, end + 1) + (/^[^\s,[\]{}]*/.exec(text.slice(end + 1))?.[0] ?? '');
  return {
    offset: start,
    message: `${shorten(token)} has ${found} ${CLOSING[found]} in it, which mean something else here`,
    hint: `write ${show(token)} in quotes`,
    mended: replaceAt(replaceAt(text, offset, 'x'), end, 'x'),
  };
};

/** Nothing is quoted at greater length than this. */
const MOST_SHOWN = 200;

function tokenStart(text: string, offset: number): number {
  let start = offset;
  while (start > 0 && !/[\s[\]{},]/.test(text.charAt(start - 1))) start--;
  return start;
}

/** Unquoted text from an offset: to a bracket or comma where lists are written in brackets, else to the end of its line. */
function tokenAt(text: string, start: number): string {
  const [line = ''] = /^[^\r\n]*/.exec(text.slice(start, start + MOST_SHOWN)) ?? [];
  const isInBrackets = openerBefore(text, start) !== null;
  return line.replace(isInBrackets ? /\s*(?:[,\]}]|\s#).*$/ : /\s+#.*$/, '').trimEnd();
}

function replaceAt(text: string, offset: number, char: string): string {
  return text.slice(0, offset) + char + text.slice(offset + 1);
}

/** `{isl: 64 osl: 8}`, `["a" "b"]`. */
const missingComma: Diagnose = ({ text, reason, offset }) => {
  if (reason !== MISSED_COMMA) return null;
  const isAtColon = text.charAt(offset) === ':';
  const [, next = ''] = /:\s+\S.*\s(\S+)\s*$/.exec(entryBefore(text, offset)) ?? [];
  if (isAtColon ? next === '' : /[\]}]/.test(text.charAt(offset))) return null;
  const start = isAtColon ? text.lastIndexOf(next, offset - 1) : offset;
  return {
    offset: start,
    message: `a comma is missing before ${shorten(tokenAt(text, start))}`,
    hint: 'write a comma between entries',
    ...(/[ \t]/.test(text.charAt(start - 1)) && { mended: replaceAt(text, start - 1, ',') }),
  };
};

/** `image: rocm: latest`. */
const secondColon: Diagnose = ({ text, reason, offset, line }) => {
  if (text.charAt(offset) !== ':' || !(reason === MISSED_COMMA || reason.startsWith('bad indentation'))) return null;
  const entry = reason === MISSED_COMMA ? entryBefore(text, offset) : line.text.slice(0, offset - line.start);
  const [name] = /^\s*(?:- +)*[^\s:][^:]*:\s+/.exec(entry) ?? [];
  if (name === undefined) return null;
  const start = offset - entry.length + name.length;
  const value = tokenAt(text, start);
  const isList = /, *[\w.-]+: /.test(value);
  return {
    offset: start,
    message: `${shorten(value)} has a colon and a space in it, which make a field`,
    hint: isList ? 'put the fields in { }, or write each in a line of its own' : `write ${show(value)} in quotes`,
    mended: replaceAt(text, offset, 'x'),
  };
};

/** What stands between the last bracket or comma and an offset. */
function entryBefore(text: string, offset: number): string {
  let start = offset;
  while (start > 0 && offset - start < MOST_SHOWN && !/[[\]{},]/.test(text.charAt(start - 1))) start--;
  return text.slice(start, offset);
}

const twoCommas: Diagnose = ({ reason, offset }) =>
  reason.startsWith('expected the node content')
    ? { offset, message: 'nothing stands before this comma', hint: 'write a value before it, or remove it' }
    : null;

const LOST_NAME = /multiline key|end of the stream or a document separator is expected/;

/** `seed:1`, `seed = 1`, `seed 1`, `seed`: the line above is taken for text that goes on. */
const missingColon: Diagnose = ({ text, reason, offset, line, before }) => {
  if (!LOST_NAME.test(reason) || before === null) return null;
  if (text.charAt(offset) !== ':' && line.text !== '') return null;
  const written = before.text.trim();
  const start = before.start + before.text.indexOf(written);
  const [, name, mark, value = ''] = /^(?:- +)*([\w.-]+)(:|\s*=\s*|\s+(?=\S+$))(?=\S)(.*)$/.exec(written) ?? [];
  if (name === undefined) {
    const hint = `write \`${shorten(written)}: \` and its value, or put the text in quotes`;
    return { offset: start, message: `${shorten(written)} has no colon`, hint };
  }
  return {
    offset: start,
    message: `${shorten(written)} has no ${mark === ':' ? 'space after the colon' : 'colon'}`,
    hint: `write \`${shorten(`${name}: ${value}`)}\``,
  };
};

const listBesideFields: Diagnose = ({ reason, offset, line }) => {
  if (!LOST_NAME.test(reason) || line.text.slice(0, offset - line.start).trim() !== '') return null;
  return /^\s*-(?:\s|$)/.test(line.text)
    ? { offset, message: 'a list item stands among fields', hint: 'write `name:` above the list, and indent its items' }
    : { offset, message: 'a field stands among list items', hint: 'indent it as far as the item it belongs to' };
};

/** `'it's'`, `"a" b`, `{user-id}/x`. */
const afterClosing: Diagnose = ({ text, offset, line }) => {
  const [, closing] = /(["'}\]])\s*$/.exec(text.slice(line.start, offset)) ?? [];
  if (closing === undefined) return null;
  const hint =
    closing === "'"
      ? "put all of the value in double quotes; between single quotes, an apostrophe is written ''"
      : 'put all of the value in quotes, or remove what is too much';
  return { offset, message: `there is text after the closing ${closing}`, hint };
};

const indentation: Diagnose = ({ reason, line, before }) => {
  if (!/^(?:bad|deficient) indentation/.test(reason) || before === null) return null;
  const indent = line.text.search(/\S|$/);
  // Fields of a list item stand beside its first one, behind the dash.
  const [beside = ''] = /^-(?:\s|$)/.test(line.text.trimStart())
    ? (/^ */.exec(before.text) ?? [])
    : (/^ *(?:- +)*/.exec(before.text) ?? []);
  if (indent === beside.length) return null;
  return {
    offset: line.start + indent,
    message: `is indented by ${spaces(indent)}, which fits no line above`,
    hint: `indent it ${beside === '' ? 'not at all' : `by ${spaces(beside.length)}`}, to stand beside line ${before.number}`,
  };
};

function spaces(count: number): string {
  return `${count} ${count === 1 ? 'space' : 'spaces'}`;
}

/** From the plainest to the vaguest: the first that recognises a failure explains it. */
export const diagnoses: readonly Diagnose[] = [
  zeroByte,
  mergeConflict,
  tab,
  depth,
  invisible,
  escape,
  directive,
  reserved,
  bracket,
  hardSpace,
  missingComma,
  secondColon,
  twoCommas,
  missingColon,
  listBesideFields,
  afterClosing,
  unclosed,
  indentation,
];
