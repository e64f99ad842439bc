import { describe, expect, it } from 'vitest';
import { assay } from '../../../src/vitest/plugin.ts';

type Hook = (door: unknown) => Promise<void> | undefined;

describe('assay', () => {
  it.each([
    ['the mode of Vitest 4', { vitest: { mode: 'benchmark' }, project: { config: { benchmark: {} } } }],
    ['the project of Vitest 5', { vitest: { mode: 'test' }, project: { config: { benchmark: { enabled: true } } } }],
  ])('plans nothing for `vitest bench`, by %s', async (_name, door) => {
    const { api, configureVitest } = assay();
    await (configureVitest as unknown as Hook)(door);
    expect(api?.sessions).toEqual([]);
  });
});
