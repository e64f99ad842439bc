import { expect, it } from 'vitest';
import type { Vitest } from 'vitest/node';
import { typedSelection } from '../../../../src/vitest/report/typed-selection.ts';

const typed = (config: Partial<Vitest['config']>): string => typedSelection({ config: config as Vitest['config'] });

it('is what a shell reads back as it was typed, and nothing where nothing was', () => {
  expect(typed({ testNamePattern: /conc4/, tagsFilter: ['tier_5', 'not x'] })).toBe(
    " -t conc4 --tags-filter tier_5 --tags-filter 'not x'",
  );
  expect(typed({ testNamePattern: new RegExp("it's/here") })).toBe(String.raw` -t 'it'\''s/here'`);
  expect(typed({})).toBe('');
});
