import type { SecretValue } from './secret.ts';

/** Takes known secrets out of text before it reaches a file or a screen. */
export interface Scrubber {
  /** The text with every secret replaced by its label. */
  scrub(text: string): string;
  /** For text that comes in pieces: a secret may be cut in two. One per stream. */
  stream(): ScrubbedStream;
}

/** A stream of text without its secrets. */
export interface ScrubbedStream {
  /** The text that can be passed on; the end of a piece is held back while it may be the start of a secret. */
  push(piece: string): string;
  /** What was held back. */
  end(): string;
}

/** For a run without secrets: changes nothing. */
export const noSecrets: Scrubber = {
  scrub: (text) => text,
  stream: () => ({ push: (piece) => piece, end: () => '' }),
};

/**
 * Takes these secrets out of text, in every spelling that is known of them. Where
 * two overlap, both are hidden; of two that are the same, the first one's label is shown.
 * Scrubbing costs one `indexOf` per spelling; what a stream holds back is shorter than the longest spelling.
 */
export function scrubberOf(secrets: readonly SecretValue[]): Scrubber {
  const marks = new Map<string, string>();
  for (const secret of secrets) {
    for (const spelling of secret.spellings()) if (!marks.has(spelling)) marks.set(spelling, String(secret));
  }
  if (marks.size === 0) return noSecrets;
  const spellings = new Spellings(marks);
  return {
    scrub: (text) => new HidingStream(spellings).finish(text),
    stream: () => new HidingStream(spellings),
  };
}

/** One spelling at one place of a text. */
interface Hit {
  readonly at: number;
  readonly end: number;
  readonly mark: string;
}

class Spellings {
  readonly #marks: ReadonlyMap<string, string>;
  readonly #byFirstUnit = new Map<string, string[]>();
  /** What can stand before the end of a spelling. */
  readonly #innerUnits: ReadonlySet<string>;
  readonly #longest: number;

  constructor(marks: ReadonlyMap<string, string>) {
    // A mark is hidden by itself: a secret that is a word of some label must not break it up when a text is scrubbed twice.
    this.#marks = new Map([...marks, ...[...marks.values()].map((mark) => [mark, mark] as const)]);
    this.#longest = Math.max(0, ...[...this.#marks.keys()].map((spelling) => spelling.length));
    this.#innerUnits = new Set([...this.#marks.keys()].flatMap((spelling) => spelling.slice(0, -1).split('')));
    for (const spelling of this.#marks.keys()) {
      const first = spelling.charAt(0);
      this.#byFirstUnit.set(first, [...(this.#byFirstUnit.get(first) ?? []), spelling]);
    }
  }

  /** Every occurrence of every spelling, in order; of two at one place the longer one first. */
  hits(text: string): readonly Hit[] {
    const hits: Hit[] = [];
    for (const [spelling, mark] of this.#marks) {
      for (let at = text.indexOf(spelling); at !== -1; at = text.indexOf(spelling, at + 1)) {
        hits.push({ at, end: at + spelling.length, mark });
      }
    }
    return hits.sort((one, other) => one.at - other.at || other.end - one.end);
  }

  /** Where the end of the text begins that may be the start of a longer spelling than the text shows. */
  openFrom(text: string): number {
    // Most pieces are whole lines, and few secrets have a line break inside.
    if (!this.#innerUnits.has(text.charAt(text.length - 1))) return text.length;
    for (let at = Math.max(0, text.length - this.#longest + 1); at < text.length; at += 1) {
      const candidates = this.#byFirstUnit.get(text.charAt(at)) ?? [];
      const left = text.length - at;
      if (candidates.some((spelling) => spelling.length > left && text.endsWith(spelling.slice(0, left)))) return at;
    }
    return text.length;
  }
}

class HidingStream implements ScrubbedStream {
  readonly #spellings: Spellings;
  #held = '';
  /** How much of what is held belongs to a secret whose mark is already out. */
  #hidden = 0;
  #lastMark = '';

  constructor(spellings: Spellings) {
    this.#spellings = spellings;
  }

  push(piece: string): string {
    const text = this.#held + piece;
    return this.#passOn(text, this.#spellings.openFrom(text));
  }

  end(): string {
    return this.finish('');
  }

  /** The last piece and what was held back. */
  finish(piece: string): string {
    const text = this.#held + piece;
    return this.#passOn(text, text.length);
  }

  /** Passes on what lies before `open`; what begins there cannot be told yet. */
  #passOn(text: string, open: number): string {
    let passed = '';
    let done = this.#hidden;
    for (const { at, end, mark } of this.#spellings.hits(text)) {
      if (at >= open) break;
      if (end <= done) continue;
      if (at >= done) passed += text.slice(done, at);
      if (at >= done || mark !== this.#lastMark) passed += mark;
      this.#lastMark = mark;
      done = end;
    }
    if (done < open) passed += text.slice(done, open);
    this.#held = text.slice(open);
    this.#hidden = Math.max(0, done - open);
    return passed;
  }
}
