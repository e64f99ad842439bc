import { setTimeout as delay } from 'node:timers/promises';
import type { Executor } from '../exec/executor.ts';
import { ask } from './snapshots/ask.ts';

const INTERVAL_MS = 5000;

/** How far a host's kernel log had come at one moment. */
export type KernelMark =
  /** `stampS`: seconds since boot of the last stamped line, null for none; `lines`: all that the log held. */
  | { readonly state: 'read'; readonly stampS: number | null; readonly lines: readonly string[] }
  /** No permission, no dmesg, or no answer: a fact about the host. */
  | { readonly state: 'unreadable'; readonly reason: string };

/** Reads a host's kernel log. Rejects only when aborted. */
export async function readKernelLog(executor: Executor, signal?: AbortSignal): Promise<KernelMark> {
  const answer = await ask(executor, { file: 'dmesg', args: [] }, signal);
  if (answer.kind === 'problem') return { state: 'unreadable', reason: answer.problem };
  const lines = answer.text.split(/\r?\n/).filter((line) => line !== '');
  return { state: 'read', stampS: lines.map(stampOf).findLast((stamp) => stamp !== null) ?? null, lines };
}

/** What to watch a kernel log for. */
export interface KernelLogOptions {
  /** Lines up to here are old. After an unreadable one, so is all that the first readable look finds. */
  readonly since: KernelMark;
  /** Between two looks; five seconds by default. */
  readonly intervalMs?: number;
  /** Called for every new line, in order, as it is. */
  readonly onLine: (line: string) => void;
}

/** Kernel log lines being reported as they come. */
export interface KernelLogWatch {
  /** Looks once more, then no longer: a line from just before counts too. */
  stop(): Promise<void>;
}

/**
 * Reports each line that a host's kernel logs after a mark, once. A look that fails reports nothing; the next one
 * makes up for it. Lines are lost only when the kernel's ring buffer turned over completely between two looks.
 */
export function watchKernelLog(executor: Executor, options: KernelLogOptions): KernelLogWatch {
  const { since, intervalMs = INTERVAL_MS, onLine } = options;
  const stopping = new AbortController();
  let seen = since;
  let stopped: Promise<void> | undefined;

  async function look(signal?: AbortSignal): Promise<void> {
    const found = await readKernelLog(executor, signal);
    if (found.state === 'unreadable') return;
    const fresh = seen.state === 'read' ? newLines(seen, found) : [];
    seen = found;
    for (const line of fresh) onLine(line);
  }

  async function poll(): Promise<void> {
    const { signal } = stopping;
    while (!signal.aborted) {
      try {
        await delay(intervalMs, undefined, { signal });
        await look(signal);
      } catch (thrown) {
        // The look that stopping broke off is the one that it repeats.
        if (!signal.aborted) throw thrown;
      }
    }
  }

  const polling = poll();
  return {
    stop: () => (stopped ??= finish()),
  };

  async function finish(): Promise<void> {
    stopping.abort();
    await polling;
    await look();
  }
}

type ReadLog = KernelMark & { readonly state: 'read' };

/**
 * What the log holds beyond what was seen. The ring buffer drops lines at its head and adds them at its end, so
 * the new log begins with some end of the old one; where it does not, the stamps decide.
 */
function newLines(seen: ReadLog, now: ReadLog): readonly string[] {
  const common = overlap(seen.lines, now.lines);
  if (common > 0 || seen.lines.length === 0) return now.lines.slice(common);
  // The kernel may still have been at its last line: it is longer now, and its new form is news.
  const settled = overlap(seen.lines.slice(0, -1), now.lines);
  if (settled > 0) return now.lines.slice(settled);
  const { stampS } = seen;
  if (stampS === null) return now.lines;
  const firstNew = now.lines.findIndex((line) => (stampOf(line) ?? stampS) > stampS);
  return firstNew === -1 ? [] : now.lines.slice(firstNew);
}

/** How many of the last lines of `before` are the first ones of `after`; as many as possible. Linear, however often lines repeat. */
function overlap(before: readonly string[], after: readonly string[]): number {
  const borders = bordersOf(after);
  let matched = 0;
  for (const line of before) matched = extend(after, borders, { matched, line });
  return matched;
}

/** For each line of a log, how many lines that end there are also those it begins with (Knuth, Morris, Pratt). */
function bordersOf(lines: readonly string[]): readonly number[] {
  const borders: number[] = [];
  let matched = 0;
  for (const [index, line] of lines.entries()) {
    if (index > 0) matched = extend(lines, borders, { matched, line });
    borders.push(matched);
  }
  return borders;
}

function extend(
  lines: readonly string[],
  borders: readonly number[],
  { matched, line }: { readonly matched: number; readonly line: string },
): number {
  let length = matched;
  while (length > 0 && lines[length] !== line) length = borders[length - 1] ?? 0;
  return lines[length] === line ? length + 1 : length;
}

/** Seconds since boot that dmesg prints before a line; null for a line without. */
function stampOf(line: string): number | null {
  const stamp = /^(?:<\d{1,3}>)?\[ {0,12}(\d{1,12}\.\d{1,9})\]/.exec(line)?.[1];
  return stamp === undefined ? null : Number(stamp);
}
