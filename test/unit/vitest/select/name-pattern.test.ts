import { expect, it } from 'vitest';
import type { Vitest } from 'vitest/node';
import { AssayError } from '../../../../src/core/errors.ts';
import { onNamePattern } from '../../../../src/vitest/select/name-pattern.ts';

interface Typing {
  changeNamePattern: (typed: string) => Promise<void>;
}

it.each([
  ['words', 'no suite file - add one\nNothing was run again; press t to type another pattern.'],
  ['', 'no suite file - add one\nNothing was run again; correct that, and press a again.'],
])('tells a mistake in the suites with its next step when %j is typed, and keeps the pattern', async (typed, told) => {
  const lines: string[] = [];
  let pattern: RegExp | undefined = /before/;
  const vitest = {
    config: { reporters: [] },
    logger: { log: (line: string) => void lines.push(line) },
    getGlobalTestNamePattern: () => pattern,
    setGlobalTestNamePattern: (given: RegExp) => (pattern = given),
    resetGlobalTestNamePattern: () => (pattern = undefined),
    changeNamePattern: () => Promise.reject(new Error('not wrapped')),
    rerunFiles: () => Promise.reject(new Error('ran again')),
  };
  onNamePattern(vitest as unknown as Vitest, () =>
    Promise.reject(new AssayError('CLAIMS_INVALID', 'no suite file', { hint: 'add one' })),
  );
  await (vitest as Typing).changeNamePattern(typed);
  expect(lines).toEqual([told]);
  expect(pattern).toEqual(/before/);
});
