import { describe, expect, it } from 'vitest';
import { readOptions } from '../../../src/cli/arguments.ts';
import { filtersForVitest, sessionOptions, typedOptions } from '../../../src/cli/session-options.ts';

describe('filtersForVitest', () => {
  it.each([
    'throughput[llama_cpp-byte_llama-cpu-f32-balanced-conc1]',
    'ttft_p99[vllm-gpt.oss-mi300x-fp8-default]',
    '[llama_cpp-byte_llama',
    'what (is this',
  ])('takes %j as plain text', (testNamePattern) => {
    const pattern = new RegExp(`^${filtersForVitest({ testNamePattern }).testNamePattern}$`);
    expect(testNamePattern).toMatch(pattern);
  });

  it.each(['tier_5 conc16', '^throughput', '[a-zA-Z0-9]+', '[_a-z0-9]', String.raw`x\[vllm-a-b-c\]`])(
    'leaves %j as it is',
    (testNamePattern) => {
      expect(filtersForVitest({ testNamePattern, tagsFilter: ['a'] })).toEqual({ testNamePattern, tagsFilter: ['a'] });
    },
  );

  it('has no pattern where there was none', () => {
    expect(filtersForVitest({ tagsFilter: ['a'] })).toEqual({ tagsFilter: ['a'] });
  });
});

describe('typedOptions', () => {
  const typed = (...args: string[]) => typedOptions(readOptions(args, sessionOptions));

  it('splits patterns of cells at commas, and refuses a list of nothing', () => {
    expect(typed('--only-cells', 'a,b,', '--only-cells', 'c').onlyCells).toEqual(['a', 'b', 'c']);
    expect(() => typed('--only-cells', ',')).toThrow('--only-cells has no value');
  });

  it('reads whether stored runs are reused, where a command asks for it', () => {
    const options = { ...sessionOptions, reuse: { type: 'string' } } as const;
    expect(typed().reuse).toBeNull();
    expect(typedOptions(readOptions(['--reuse', 'only'], options)).reuse).toBe('only');
    expect(() => typedOptions(readOptions(['--reuse=maybe'], options))).toThrow(
      '--reuse maybe: stored runs are reused off, prefer or only',
    );
  });
});
