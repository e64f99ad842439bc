import type { Vitest } from 'vitest/node';
import { shellWord } from '../../exec/shell-quote.ts';

/** What was typed to select tests, to be typed again behind a command; empty, or with a blank at its beginning. */
export function typedSelection({ config: { testNamePattern, tagsFilter = [] } }: Pick<Vitest, 'config'>): string {
  // What stands for words that were typed says so itself.
  const typed = testNamePattern === undefined ? '' : String(testNamePattern).replace(/^\/(.*)\/[a-z]*$/s, '$1');
  const words = [
    ...(typed === '' ? [] : ['-t', typed.replaceAll(String.raw`\/`, '/')]),
    ...tagsFilter.flatMap((expression) => ['--tags-filter', expression]),
  ];
  return words.map((word) => ` ${shellWord(word)}`).join('');
}
