import { basename, relative, sep } from 'node:path';
import { AssayError } from '../core/errors.ts';
import { findRuns } from '../evidence/store/find-runs.ts';
import type { OnUnreadable } from '../evidence/store/find-runs.ts';

/** The option that leaves out older runs: which time it goes by is the same in every command. */
export const sinceOption = {
  type: 'string',
  valueHint: 'time',
  description: 'only runs that began since then: 30d, 12h, 2w, or a date such as 2026-10-01',
} as const;

/** The artifact directory that a command is about. */
export interface Artifacts {
  /** Absolute. */
  readonly folder: string;
  /** For who finds nothing in it: why it was looked for there and how to name another; null where they named it. */
  readonly advice: string | null;
}

/** The run directories at or below a folder; none where no run is, nor in a folder that cannot be read. */
export function runsBelow(folder: string, onUnreadable?: OnUnreadable): readonly string[] {
  try {
    return findRuns(folder, onUnreadable);
  } catch (thrown) {
    if (thrown instanceof AssayError && thrown.code === 'EVIDENCE_MISSING') return [];
    throw thrown;
  }
}

/** A path as it is shown: from where the user stands, unless it lies elsewhere. */
export function onScreen(path: string): string {
  const near = relative(process.cwd(), path);
  return near.startsWith('..') ? path : near || '.';
}

/** `1 run`, `2 runs`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** What a folder without runs comes to. */
export function noRuns({ folder, advice }: Artifacts): string {
  return advice === null ? `no stored run in ${onScreen(folder)}` : `no stored run - ${advice}`;
}

/** A sentence with every path in it as it is shown. */
function near(sentence: string): string {
  const here = `${process.cwd()}${sep}`;
  return here === sep.repeat(2) ? sentence : sentence.replaceAll(here, '');
}

/** A run that was passed over because it cannot be read; most reasons name its folder. */
export function unreadableLine(
  what: string,
  { folder, reason }: { readonly folder: string; readonly reason: string },
): string {
  return ` ! ${what}: ${near(reason.includes(folder) ? reason : `${folder}: ${reason}`)}`;
}

interface Problem {
  readonly message: string;
  readonly hint?: string | undefined;
}

/** A known error among other lines: what is wrong, and what to do; files below the user's folder from there. */
export function problemLines({ message, hint }: Problem): readonly string[] {
  return [` ✗ ${near(message)}`, ...(hint === undefined ? [] : [`   next: ${near(hint)}`])];
}

/** A known error in a document. */
export function problemDocument({ message, hint }: AssayError): {
  readonly message: string;
  readonly hint: string | null;
} {
  return { message, hint: hint ?? null };
}

/** What names a run in every document: its directory, and its id, which is the name of that. */
export function runDocument(folder: string): { readonly run: string; readonly run_id: string } {
  return { run: folder, run_id: basename(folder) };
}

/** The two parts of `<test_id>/<cell_id>`, as every document has them. */
export function cellDocument(key: string): { readonly test_id: string; readonly cell_id: string } {
  const end = key.lastIndexOf('/');
  return { test_id: key.slice(0, end), cell_id: key.slice(end + 1) };
}

const SHOWN = 20;

interface ShorteningOptions {
  readonly most?: number;
  readonly noun?: string;
  readonly indent?: string;
}

/** The first of many entries, each of one line or more, and how many there are besides. */
export function shortened<Entry>(
  entries: readonly Entry[],
  linesOf: (entry: Entry) => readonly string[],
  { most = SHOWN, noun = 'run', indent = ' ' }: ShorteningOptions = {},
): readonly string[] {
  const more = entries.length - most;
  const rest = more > 0 ? [`${indent}… ${counted(more, `more ${noun}`)} (--json lists all)`] : [];
  return [...entries.slice(0, most).flatMap(linesOf), ...rest];
}
