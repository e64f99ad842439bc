import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { containsWord, passesName, patternForVitest, readNameFilter } from '../../../src/vitest/words.ts';

describe('readNameFilter', () => {
  it.each([
    [undefined, { kind: 'all' }],
    [/aiter/, { kind: 'words', words: ['aiter'] }],
    [/framework_vllm  aiter balanced-conc4/, { kind: 'words', words: ['framework_vllm', 'aiter', 'balanced-conc4'] }],
    [/^ttft/, { kind: 'pattern', pattern: /^ttft/ }],
    [/ttft|tpot/, { kind: 'pattern', pattern: /ttft|tpot/ }],
  ])('reads %s', (pattern, expected) => {
    expect(readNameFilter(pattern)).toEqual(expected);
  });
});

describe('containsWord', () => {
  it.each([
    ['cell_balanced_conc16', 'conc1', false],
    ['cell_balanced_conc16', 'conc16', true],
    ['ttft_p99[x-conc4]', 'p9', false],
    ['x-conc16-conc1', 'conc1', true],
    ['tier_12', '2', false],
    ['gpt_oss_120b', '120b', true],
    ['KNOB_Attention', 'attention', true],
  ])('%s holds %s: %s', (text, word, expected) => {
    expect(containsWord(text, word)).toBe(expected);
  });

  it('finds a word between anything that is no digit', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z_]*$/), fc.stringMatching(/^\w+$/), (around, word) =>
        containsWord(`${around}${word}${around}`, word),
      ),
    );
  });
});

describe('passesName', () => {
  const tags = ['framework_vllm', 'knob_attention_aiter'];

  it('wants every word, in any order, in the tags or the name', () => {
    const filter = (text: string) => readNameFilter(new RegExp(text));
    expect(passesName(filter('aiter ttft'), 'ttft_p99[x]', tags)).toBe(true);
    expect(passesName(filter('ttft aiter'), 'ttft_p99[x]', tags)).toBe(true);
    expect(passesName(filter('aiter tpot'), 'ttft_p99[x]', tags)).toBe(false);
  });

  it('applies a regular expression to the name alone', () => {
    expect(passesName(readNameFilter(/^ttft.*\[/), 'ttft_p99[x]', tags)).toBe(true);
    expect(passesName(readNameFilter(/^framework/), 'ttft_p99[x]', tags)).toBe(false);
  });
});

describe('patternForVitest', () => {
  it('lets registered claims through and holds plain tests to all words', () => {
    const pattern = patternForVitest(['a.b', 'c']);
    expect(pattern.test('ttft_p99[vllm-x-balanced-conc4]')).toBe(true);
    expect(pattern.test('has c and a.b')).toBe(true);
    expect(pattern.test('has c and axb')).toBe(false);
    expect(pattern.test('has a.b only')).toBe(false);
  });
});
