import { resolve } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { messageOf } from '../../core/errors.ts';
import type { ClaimPlace } from './claim-place.ts';
import type { SuiteProblem } from './suite-problem.ts';

/** Why a suite file could not be imported, with the place that Vite or the stack names; else that of the file. */
export function importProblem(thrown: unknown, file: ClaimPlace): SuiteProblem {
  const text = stripVTControlCharacters(messageOf(thrown));
  return {
    place: placeInText(text) ?? placeInStack(thrown) ?? file,
    claim: null,
    message: `cannot be loaded: ${whatIn(text)}`,
    hint: 'mend it; suites are read before anything runs',
  };
}

// What Vite says: `Failed to load url ./a.ts (resolved id: ...)`, `Cannot find package 'a' imported from ...`.
const MISSING = /^Failed to load url (\S+)|^Cannot find (?:module|package) '([^']+)'/;
// Rolldown writes `[PARSE_ERROR] Unexpected token`, esbuild `a.ts:1:2: ERROR: Unexpected "}"`.
const SYNTAX = /\[[A-Z_]+\] (.+)|: ERROR: (.+)/;

function whatIn(text: string): string {
  const [, url, module] = MISSING.exec(text) ?? [];
  const missing = url ?? module;
  if (missing !== undefined) return `it imports ${missing}, which is not there`;
  const [, rolldown, esbuild] = SYNTAX.exec(text) ?? [];
  return rolldown ?? esbuild ?? text.split('\n')[0] ?? text;
}

function placeInText(text: string): ClaimPlace | null {
  return placeOf(/([^\s[\]()'"]+\.[cm]?[jt]sx?):(\d+):(\d+)/.exec(text));
}

/** The first frame of the user's own: not of Node, and not of a package. */
function placeInStack(thrown: unknown): ClaimPlace | null {
  const stack = thrown instanceof Error ? String(thrown.stack) : '';
  const frame = stack
    .split('\n')
    .find((line) => /^\s+at .*\.[cm]?[jt]sx?:\d+/.test(line) && !/node:|node_modules/.test(line));
  return placeOf(/(?:file:\/\/)?([^\s()]+):(\d+):(\d+)\)?$/.exec(frame ?? ''));
}

function placeOf(match: RegExpExecArray | null): ClaimPlace | null {
  const [, file, line, column] = match ?? [];
  return file === undefined ? null : { file: resolve(file), line: Number(line), column: Number(column) };
}
