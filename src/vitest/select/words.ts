/** Decides by name and tags whether a claim is asked for. */
export type NameFilter =
  | { readonly kind: 'all' }
  /** Blank-separated words: all must occur, in any order, in the tags or the name. */
  | { readonly kind: 'words'; readonly words: readonly string[] }
  /** A regular expression over the name, as in plain Vitest. */
  | { readonly kind: 'pattern'; readonly pattern: RegExp };

// A dot is in model names and version numbers more often than it is meant for any character.
const MEANT_AS_PATTERN = /[\\^$*+?()[\]{}|]/;

/** Reads what was given to `-t`: words, unless a character says that it is a regular expression. */
export function readNameFilter(pattern: RegExp | undefined): NameFilter {
  if (pattern === undefined) return { kind: 'all' };
  // A RegExp escapes the slashes that were typed.
  const text = pattern.source.replaceAll(String.raw`\/`, '/').trim();
  if (MEANT_AS_PATTERN.test(text)) return { kind: 'pattern', pattern: new RegExp(pattern, flagsOf(pattern)) };
  return { kind: 'words', words: text.split(/\s+/).filter((word) => word !== '') };
}

/**
 * Whether a text contains a word, in upper or lower case. Numbers are whole:
 * `conc1` is not found in `conc16`, nor `p9` in `p99`. What tags cannot hold
 * may be written as the config has it: `gpt-oss-120b` is found in `gpt_oss_120b`.
 */
export function containsWord(text: string, word: string): boolean {
  const [haystack, needle] = [text.toLowerCase(), word.toLowerCase()];
  return contains(haystack, needle) || (INSIDE.test(needle) && contains(haystack, needle.replaceAll(NO_TAG, '_')));
}

const NO_TAG = /[^a-z0-9]+/g;
const INSIDE = /^[a-z0-9].*[^a-z0-9_].*[a-z0-9]$/;

function contains(haystack: string, needle: string): boolean {
  for (let at = haystack.indexOf(needle); at !== -1; at = haystack.indexOf(needle, at + 1)) {
    const end = at + needle.length;
    const cutsBefore = isDigit(haystack[at]) && isDigit(haystack[at - 1]);
    const cutsAfter = isDigit(haystack[end - 1]) && isDigit(haystack[end]);
    if (!cutsBefore && !cutsAfter) return true;
  }
  return false;
}

/**
 * The expression Vitest gets instead of the words. Registered claims were
 * selected already and pass by their bracket, which begins with a framework;
 * for plain tests each word is the expression that it always was, and all must
 * be found.
 */
export function patternForVitest(typed: RegExp, words: readonly string[], frameworks: readonly string[]): RegExp {
  const ahead = words.map((word) => String.raw`(?=[^]*${word})`).join('');
  const claims = frameworks.length === 0 ? '' : String.raw`|^\S+\[(?:${frameworks.join('|')})-[^\]]+\]$`;
  return new RegExp(`^${ahead}${claims}`, flagsOf(typed));
}

/** The flags of a pattern, less those that make it remember where it stopped. */
function flagsOf({ flags }: RegExp): string {
  return flags.replaceAll(/[gy]/g, '');
}

function isDigit(character: string | undefined): boolean {
  return character !== undefined && character >= '0' && character <= '9';
}
