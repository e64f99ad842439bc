const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** What terminals draw two columns wide: East Asian scripts and signs, and full-width forms. */
const WIDE =
  /^[\u1100-\u115F\u2E80-\u303E\u3041-\u4DBF\u4E00-\uA4CF\uA960-\uA97F\uAC00-\uD7A3\uF900-\uFAFF\uFE10-\uFE19\uFE30-\uFE6F\uFF01-\uFF60\uFFE0-\uFFE6\u{16FE0}-\u{18DFF}\u{1AFF0}-\u{1B2FF}\u{1F200}-\u{1F2FF}\u{20000}-\u{3FFFD}]/u;
const EMOJI = /\p{Emoji_Presentation}|\uFE0F/u;
const INVISIBLE = /^[\p{M}\p{Cc}]+$/u;

/** What moves the cursor, colours, reorders or hides text: everything but the joiner inside of emoji. */
const CONTROL = /(?!\u200D)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;
const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  '\n': String.raw`\n`,
  '\r': String.raw`\r`,
  '\t': String.raw`\t`,
};

/** How many columns of a terminal a text takes; control characters take none. */
export function displayWidth(text: string): number {
  if (isPlain(text)) return text.length;
  let width = 0;
  for (const { segment } of graphemes.segment(text)) width += widthOf(segment);
  return width;
}

/** Where in a text the character is that lies behind so many columns; its length where it is not that wide. */
export function indexAtWidth(text: string, width: number): number {
  let taken = 0;
  for (const { segment, index } of graphemes.segment(text)) {
    taken += widthOf(segment);
    if (taken > width) return index;
  }
  return text.length;
}

/** A text that is at most that many columns wide: of a longer one its beginning and `…`. */
export function clip(text: string, width: number): string {
  const isFitting = isPlain(text) ? text.length <= width : indexAtWidth(text, width) === text.length;
  return isFitting ? text : `${text.slice(0, indexAtWidth(text, width - 1))}…`;
}

/** A text that a terminal shows as it is: control characters, and what else cannot be seen, are written as escapes. */
export function printable(text: string): string {
  return isPlain(text) ? text : text.replaceAll(CONTROL, (one) => SHORT_ESCAPES[one] ?? escapeOf(one));
}

function escapeOf(character: string): string {
  const code = (character.codePointAt(0) ?? 0).toString(16);
  return code.length > 4 ? String.raw`\u{${code}}` : String.raw`\u${code.padStart(4, '0')}`;
}

// Most texts: every character is one column wide.
function isPlain(text: string): boolean {
  return /^[ -~¡-¬®-˿…]*$/.test(text);
}

function widthOf(grapheme: string): number {
  if (INVISIBLE.test(grapheme)) return 0;
  return WIDE.test(grapheme) || EMOJI.test(grapheme) ? 2 : 1;
}
