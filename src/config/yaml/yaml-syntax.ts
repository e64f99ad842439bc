import { parseEvents, YAMLException } from 'js-yaml';
import type { Event } from 'js-yaml';
import { MAX_DEPTH } from './yaml-document.ts';
import { shorten } from '../issues/show.ts';
import { diagnoses } from './yaml-diagnoses.ts';
import type { Failure, Line } from './yaml-failure.ts';
import type { Complaint } from './problem.ts';

/** A place where a text is no YAML. */
export interface SyntaxMistake extends Complaint {
  readonly offset: number;
}

/** What js-yaml's parser saw in a text; null when it could not read it to the end. */
interface SyntaxReading {
  readonly events: readonly Event[] | null;
  readonly mistakes: readonly SyntaxMistake[];
}

const MOST_MENDED = 50;

/**
 * Parses a text. A mistake that can be mended without moving anything is reported, mended and read on from, so that
 * the next one is found too; the offsets of the events hold for the text as it was written.
 */
export function readEvents(text: string): SyntaxReading {
  const mistakes: SyntaxMistake[] = [];
  let current: string | null = text;
  for (let round = 0; current !== null && round < MOST_MENDED; round++) {
    try {
      return { events: parseEvents(current, { maxDepth: MAX_DEPTH }), mistakes };
    } catch (thrown) {
      const { mended, ...mistake } = diagnose(current, thrown);
      // What is found where a mistake was mended, or ends the reading in its line, is an effect of it.
      const isEffect = mistakes.some(({ offset }) =>
        mended === null ? isOneLine(text, offset, mistake.offset) : offset === mistake.offset,
      );
      if (!isEffect) mistakes.push(mistake);
      current = mended;
    }
  }
  return { events: null, mistakes };
}

function isOneLine(text: string, ...offsets: readonly [number, number]): boolean {
  return !/[\r\n]/.test(text.slice(Math.min(...offsets), Math.max(...offsets)));
}

function diagnose(text: string, thrown: unknown): SyntaxMistake & { readonly mended: string | null } {
  if (!(thrown instanceof YAMLException)) {
    return { offset: 0, message: `cannot be read: ${shorten(String(thrown))}`, hint: 'write it simpler', mended: null };
  }
  const failure = failureAt(text, thrown);
  for (const diagnosis of diagnoses) {
    const found = diagnosis(failure);
    if (found !== null) return { mended: null, ...found };
  }
  return {
    offset: failure.offset,
    message: `YAML cannot be read on from here: ${shorten(thrown.reason)}`,
    hint: 'check the indentation, colons, quotes and brackets of this line and the one above',
    mended: null,
  };
}

function failureAt(text: string, { reason, mark }: YAMLException): Failure {
  const offset = mark?.position ?? 0;
  const lines = linesUpTo(text, offset);
  const line = lines.at(-1) ?? { start: 0, number: 1, text: '' };
  const before = lines.slice(0, -1).findLast((candidate) => !/^\s*(?:#|$)/.test(candidate.text)) ?? null;
  return { text, reason, offset, line, before };
}

/** Every line that begins before an offset or at it, whole. */
function linesUpTo(text: string, offset: number): readonly Line[] {
  const lines: Line[] = [];
  for (const match of text.matchAll(/([^\r\n]*)(?:\r\n|\r|\n|$)/g)) {
    if (match.index > offset) break;
    lines.push({ start: match.index, number: lines.length + 1, text: match[1] ?? '' });
  }
  return lines;
}
