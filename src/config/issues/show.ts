const LONGEST = 60;
// Line breaks, and what some terminals take for line breaks or commands.
const UNPRINTABLE = /[\p{Cc}\u2028\u2029]/gu;

/** A value for people: JSON on one line, shortened to 60 characters. */
export function show(value: unknown): string {
  return shorten(typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value)));
}

/** A text on one line, shortened to 60 characters. */
export function shorten(text: string): string {
  const printable = text.replaceAll(UNPRINTABLE, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return printable.length <= LONGEST ? printable : `${printable.slice(0, LONGEST - 3)}...`;
}
