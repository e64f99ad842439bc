import type { SecretValue } from './secret.ts';

/** The shortest start of a secret that is hidden where a text ends in it; shorter ones stand at the end of any text by chance. */
const SHORTEST_START = 8;

/** Takes known secrets out of text before it reaches a file or a screen. */
export interface Scrubber {
  /** The text with every secret replaced by its label, and the start of one where it was cut off at the end. */
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

  /** Every occurrence of every spelling, and `more`, in order; of two at one place the longer one first. */
  hits(text: string, more: readonly Hit[]): readonly Hit[] {
    const hits = [...more];
    for (const [spelling, mark] of this.#marks) {
      for (let at = text.indexOf(spelling); at !== -1; at = text.indexOf(spelling, at + 1)) {
        hits.push({ at, end: at + spelling.length, mark });
      }
    }
    return hits.sort((one, other) => one.at - other.at || other.end - one.end);
  }

  /** Where the end of the text begins that may be the start of a longer spelling than the text shows. */
  openFrom(text: string): number {
    return this.#firstStart(text, () => true)?.at ?? text.length;
  }

  /** The start of a secret that the text ends in: whoever quotes the first 200 characters may quote half a secret. */
  cutOff(text: string): Hit | null {
    const start = this.#firstStart(text, (spelling) => this.#marks.get(spelling) !== spelling);
    if (start === null || text.length - start.at < SHORTEST_START) return null;
    return { at: start.at, end: text.length, mark: this.#marks.get(start.spelling) ?? '' };
  }

  /** Where the text shows the start of a spelling, and ends before it does. */
  #firstStart(
    text: string,
    counts: (spelling: string) => boolean,
  ): { readonly at: number; readonly spelling: string } | null {
    // Most pieces are whole lines, and few secrets have a line break inside.
    if (!this.#innerUnits.has(text.charAt(text.length - 1))) return null;
    for (let at = Math.max(0, text.length - this.#longest + 1); at < text.length; at += 1) {
      const left = text.length - at;
      const spelling = this.#byFirstUnit
        .get(text.charAt(at))
        ?.find((known) => known.length > left && counts(known) && text.endsWith(known.slice(0, left)));
      if (spelling !== undefined) return { at, spelling };
    }
    return null;
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
    const cutOff = this.#spellings.cutOff(text);
    return this.#passOn(text, text.length, cutOff === null ? [] : [cutOff]);
  }

  /** Passes on what lies before `open`; what begins there cannot be told yet. */
  #passOn(text: string, open: number, more: readonly Hit[] = []): string {
    let passed = '';
    let done = this.#hidden;
    for (const { at, end, mark } of this.#spellings.hits(text, more)) {
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
