/** Decides by name and tags whether a claim is asked for. */
export type NameFilter =
  | { readonly kind: 'all' }
  /** Blank-separated words: all must occur, in any order, in the tags or the name. */
  | { readonly kind: 'words'; readonly words: readonly string[] }
  /** A regular expression over the name, as in plain Vitest. */
  | { readonly kind: 'pattern'; readonly pattern: RegExp };

const PLAIN_WORDS = /^[\w.:=-]+(?:\s+[\w.:=-]+)*$/;

/** Reads what was given to `-t`. */
export function readNameFilter(pattern: RegExp | undefined): NameFilter {
  if (pattern === undefined) return { kind: 'all' };
  const text = pattern.source.trim();
  if (!PLAIN_WORDS.test(text)) return { kind: 'pattern', pattern };
  return { kind: 'words', words: text.split(/\s+/) };
}

/** Whether a claim with this name and these tags passes the filter. */
export function passesName(filter: NameFilter, name: string, tags: readonly string[]): boolean {
  switch (filter.kind) {
    case 'all':
      return true;
    case 'pattern':
      return filter.pattern.test(name);
    case 'words': {
      const texts = [name, ...tags];
      return filter.words.every((word) => texts.some((text) => containsWord(text, word)));
    }
  }
}

/**
 * Whether a text contains a word. Numbers are whole: `conc1` is not found in
 * `conc16`, nor `p9` in `p99`.
 */
export function containsWord(text: string, word: string): boolean {
  const [haystack, needle] = [text.toLowerCase(), word.toLowerCase()];
  for (let at = haystack.indexOf(needle); at !== -1; at = haystack.indexOf(needle, at + 1)) {
    const end = at + needle.length;
    const cutsBefore = isDigit(haystack[at]) && isDigit(haystack[at - 1]);
    const cutsAfter = isDigit(haystack[end - 1]) && isDigit(haystack[end]);
    if (!cutsBefore && !cutsAfter) return true;
  }
  return false;
}

/**
 * The expression Vitest gets instead of the words: registered claims were
 * selected already and pass by their bracket, plain tests need all the words.
 */
export function patternForVitest(words: readonly string[]): RegExp {
  const ahead = words.map((word) => `(?=.*${word.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)})`).join('');
  return new RegExp(String.raw`^(?:${ahead}|.*\[[\w.-]+\]$)`);
}

function isDigit(character: string | undefined): boolean {
  return character !== undefined && character >= '0' && character <= '9';
}
