import { randomBytes } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { ScrubbedStream, Scrubber } from '../core/scrubber.ts';
import type { Exit } from './exit.ts';

const LAST_PLAIN_SIGNAL = 31;

/** Starts the lines that a script on a host writes for us: nothing else there can know it. */
export function reportToken(): string {
  return `assay-${randomBytes(16).toString('hex')}`;
}

/** The first line that a script writes for us, and what came before it. */
interface FirstReport {
  readonly before: string;
  /** The words after the token; null when the stream ended without such a line. */
  readonly words: readonly string[] | null;
}

/** Reads up to the first line with the token; what follows stays in the stream, which is paused then. */
export function firstReport(stream: Readable, token: string): Promise<FirstReport> {
  return new Promise((resolve) => {
    let seen = Buffer.alloc(0);
    const settle = (report: FirstReport): void => {
      stream.off('data', read).off('end', end).off('close', end);
      resolve(report);
    };
    const end = (): void => settle({ before: seen.toString(), words: null });
    const read = (piece: Buffer): void => {
      seen = Buffer.concat([seen, piece]);
      const start = seen.indexOf(`${token} `);
      const stop = start < 0 ? -1 : seen.indexOf('\n', start);
      if (stop < 0) return;
      stream.pause();
      if (stop + 1 < seen.length) stream.unshift(seen.subarray(stop + 1));
      settle({ before: seen.toString('utf8', 0, start), words: wordsOf(seen.toString('utf8', start, stop)) });
    };
    stream.on('data', read).once('end', end).once('close', end);
  });
}

/** One stream of a script that is over: its first and its last line with the token, and what stands between. */
export function betweenReports(
  text: string,
  token: string,
): { readonly first: readonly string[]; readonly last: readonly string[]; readonly body: string } {
  const first = text.indexOf(`${token} `);
  const begin = first < 0 ? 0 : text.indexOf('\n', first) + 1;
  const last = text.lastIndexOf(`${token} `);
  const end = last < begin ? text.length : last;
  return {
    first: first < 0 ? [] : wordsOf(text.slice(first, begin)),
    last: last < 0 ? [] : wordsOf(text.slice(last, text.indexOf('\n', last) + 1)),
    body: text.slice(begin, end),
  };
}

/** Waits for a script to say on both streams how its command ended: then both were read up to there. */
export class ExitReport {
  readonly #token: string;
  #streamsToCome = 2;
  readonly #settle: (exit: Exit) => void;
  /** Stays pending when the script never says it. */
  readonly settled: Promise<Exit>;
  exit: Exit | null = null;

  constructor(token: string) {
    this.#token = token;
    let settle: (exit: Exit) => void = () => undefined;
    this.settled = new Promise((resolve) => (settle = resolve));
    this.#settle = settle;
  }

  /** Takes the reports out of what a scrubber gets; to be asked for one stream of stdout and one of stderr. */
  takenFrom(scrubber: Scrubber): Scrubber {
    return { scrub: (text) => scrubber.scrub(text), stream: () => this.#takenFrom(scrubber.stream()) };
  }

  #takenFrom(scrubbed: ScrubbedStream): ScrubbedStream {
    let held = '';
    return {
      push: (piece) => {
        held += piece;
        const start = held.indexOf(this.#token);
        const stop = start < 0 ? -1 : held.indexOf('\n', start);
        const safe = start < 0 ? held.length - startedLength(held, this.#token) : start;
        const passed = held.slice(0, safe) + (stop < 0 ? '' : held.slice(stop + 1));
        const report = stop < 0 ? null : held.slice(start, stop);
        held = stop < 0 ? held.slice(safe) : '';
        if (report !== null) this.#hear(report);
        return scrubbed.push(passed);
      },
      end: () => scrubbed.push(held) + scrubbed.end(),
    };
  }

  #hear(report: string): void {
    this.#streamsToCome -= 1;
    if (this.#streamsToCome > 0) return;
    this.exit = exitOf(wordsOf(report));
    if (this.exit !== null) this.#settle(this.exit);
  }
}

/** How the command ended, from the words `exit CODE [SIGNAL]`; null when they say something else. */
export function exitOf([verb, codeText, signal = '']: readonly string[]): Exit | null {
  if (verb !== 'exit') return null;
  const code = Number(codeText);
  // A shell tells a signal as 128 and its number: who ends with such a code by itself says the same.
  return code <= 128 + LAST_PLAIN_SIGNAL && /^[A-Z]/.test(signal)
    ? { kind: 'signalled', signal: `SIG${signal}` }
    : { kind: 'exited', code };
}

function wordsOf(report: string): readonly string[] {
  return report.trim().split(' ').slice(1);
}

/** How many characters at the end of a text may be the start of the token. */
function startedLength(text: string, token: string): number {
  for (let length = Math.min(token.length - 1, text.length); length > 0; length -= 1) {
    if (text.endsWith(token.slice(0, length))) return length;
  }
  return 0;
}
