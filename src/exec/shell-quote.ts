/** A word that any POSIX shell reads back as it is; a null byte cannot be in one. */
export function shellWord(word: string): string {
  return /^[\w./:@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

/** The words of a command as text that any POSIX shell reads back as these words. */
export function shellWords(words: readonly string[]): string {
  return words.map(shellWord).join(' ');
}
