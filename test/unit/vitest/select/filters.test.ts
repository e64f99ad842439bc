import { describe, expect, it } from 'vitest';
import type { TestProject, Vitest } from 'vitest/node';
import { readFilters } from '../../../../src/vitest/select/filters.ts';

function setUp(testNamePattern: RegExp) {
  let current = testNamePattern;
  const vitest = {
    config: { testNamePattern },
    getGlobalTestNamePattern: () => current,
    setGlobalTestNamePattern: (pattern: RegExp) => void (current = pattern),
  };
  const project = { config: {} as { testNamePattern?: RegExp } };
  const read = () => readFilters(vitest as unknown as Vitest, project as unknown as TestProject, ['framework_vllm']);
  return { vitest, project, read };
}

describe('readFilters', () => {
  it('hands Vitest an expression that says what was typed, and works where it was copied to a worker', () => {
    const { vitest, project, read } = setUp(/tier_5 balanced/);
    expect(read().byName).toEqual({ kind: 'words', words: ['tier_5', 'balanced'] });
    const pattern = project.config.testNamePattern;
    expect(String(vitest.config.testNamePattern)).toBe('/tier_5 balanced/');
    const copy = structuredClone(pattern);
    expect(copy?.source).toBe(pattern?.source);
    expect(copy?.test('ttft_p99[vllm-tiny-conc4]')).toBe(true);
    expect(copy?.test('a balanced test of tier_5')).toBe(true);
    expect(copy?.test('a test of tier_5')).toBe(false);
  });

  it('finds what was typed when it reads again', () => {
    const { vitest, read } = setUp(/tier_5/);
    read();
    expect(read().byName).toEqual({ kind: 'words', words: ['tier_5'] });
    expect(String(vitest.config.testNamePattern)).toBe('/tier_5/');
  });

  it('leaves a regular expression as it was typed', () => {
    const { vitest, read } = setUp(/^ttft_p9[59]/);
    read();
    expect(String(vitest.config.testNamePattern)).toBe('/^ttft_p9[59]/');
  });
});
