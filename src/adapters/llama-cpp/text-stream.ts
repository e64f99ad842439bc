/** Why a generation ended, in OpenAI's words: a stop token or stop text, or the length asked for. */
export type FinishReason = 'stop' | 'length';

/** What one generated token adds to the answer. */
export interface TokenText {
  /** Complete characters that are now certain to be part of the answer; often empty. */
  readonly text: string;
  /** Set on the last token. */
  readonly finish: FinishReason | undefined;
  /** The stop text that ended the answer. */
  readonly stopText: string | undefined;
}

/** When a generation ends. */
export interface StopRule {
  readonly maxTokens: number;
  /** No stop token among the first so many tokens ends the answer, and their text is not searched for stop texts. */
  readonly minTokens: number;
  readonly ignoreEos: boolean;
  /** Texts that end the answer; none of them is part of it. */
  readonly stopTexts: readonly string[];
}

/** One generated token as its bytes; a stop token has none. */
export interface GeneratedToken {
  readonly bytes: Uint8Array;
  readonly isEnd: boolean;
}

/**
 * Turns generated tokens into text one by one. Characters whose bytes are spread over
 * tokens come out with the last of them; text that may be the start of a stop text is
 * held back until it is certain. What all tokens add, joined, is the whole answer.
 */
export class TextStream {
  readonly #rule: StopRule;
  // Bytes that are no text become U+FFFD; a byte order mark is text like any other.
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  #held = '';
  #tokens = 0;

  constructor(rule: StopRule) {
    this.#rule = rule;
  }

  /** Tokens pushed so far. */
  get tokens(): number {
    return this.#tokens;
  }

  push(token: GeneratedToken): TokenText {
    this.#tokens += 1;
    const mayStop = this.#tokens > this.#rule.minTokens;
    const isEnd = token.isEnd && mayStop && !this.#rule.ignoreEos;
    const isLast = isEnd || this.#tokens >= this.#rule.maxTokens;
    const text = this.#held + this.#decoder.decode(token.bytes, { stream: !isLast });
    if (!mayStop || this.#rule.stopTexts.length === 0) {
      return { text, finish: finishOf(isLast, isEnd), stopText: undefined };
    }

    const match = firstMatch(text, this.#rule.stopTexts);
    if (match !== undefined) {
      return { text: text.slice(0, match.index), finish: 'stop', stopText: match.stopText };
    }
    const certain = isLast ? text.length : certainLength(text, this.#rule.stopTexts);
    this.#held = text.slice(certain);
    return { text: text.slice(0, certain), finish: finishOf(isLast, isEnd), stopText: undefined };
  }
}

function finishOf(isLast: boolean, isEnd: boolean): FinishReason | undefined {
  if (!isLast) {
    return undefined;
  }
  return isEnd ? 'stop' : 'length';
}

function firstMatch(text: string, stopTexts: readonly string[]): { index: number; stopText: string } | undefined {
  return stopTexts
    .map((stopText) => ({ index: text.indexOf(stopText), stopText }))
    .filter(({ index }) => index !== -1)
    .toSorted((a, b) => a.index - b.index)[0];
}

/** Length of the part of `text` that no continuation can turn into a stop text. */
function certainLength(text: string, stopTexts: readonly string[]): number {
  const longest = Math.max(...stopTexts.map((stopText) => stopText.length));
  for (let start = Math.max(0, text.length - longest + 1); start < text.length; start += 1) {
    const tail = text.slice(start);
    if (stopTexts.some((stopText) => stopText.startsWith(tail))) {
      return start;
    }
  }
  return text.length;
}
