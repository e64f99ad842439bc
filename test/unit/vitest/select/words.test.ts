import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { containsWord, patternForVitest, readNameFilter } from '../../../../src/vitest/select/words.ts';

describe('readNameFilter', () => {
  it.each([
    [/aiter/, ['aiter']],
    [/framework_vllm  aiter balanced-conc4/, ['framework_vllm', 'aiter', 'balanced-conc4']],
    [
      /openai\/gpt-oss 2.5 it's 30% a,b größe @x #1 "q"/,
      ['openai/gpt-oss', '2.5', "it's", '30%', 'a,b', 'größe', '@x', '#1', '"q"'],
    ],
    [/ /, []],
  ])('reads the words of %s', (pattern, words) => {
    expect(readNameFilter(pattern)).toEqual({ kind: 'words', words });
  });

  it.each([/^ttft/, /ttft|tpot/, /conc(1|4)$/, /conc[14]\]/, /p9+/, /a\.b/, /ttft.*conc4/, /colou?r/])(
    'takes %s for the regular expression that it is',
    (pattern) => {
      expect(readNameFilter(pattern)).toEqual({ kind: 'pattern', pattern });
    },
  );

  it('asks for nothing when nothing was typed', () => {
    expect(readNameFilter(undefined)).toEqual({ kind: 'all' });
  });

  it('leaves out flags that make an expression forget every second name', () => {
    expect(readNameFilter(/^TTFT/giy)).toEqual({ kind: 'pattern', pattern: /^TTFT/i });
  });

  it('finds again any words that somebody types', () => {
    const word = fc.stringMatching(/^[^\s\\^$*+?()[\]{}|]+$/u).filter((text) => text.trim() === text && text !== '');
    fc.assert(
      fc.property(fc.array(word, { minLength: 1 }), (words) => {
        expect(readNameFilter(new RegExp(words.join(' ')))).toEqual({ kind: 'words', words });
      }),
    );
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
    ['knob_attention', 'ATTENTION', true],
    ['model_openai_gpt_oss_120b', 'openai/gpt-oss-120b', true],
    ['knob_attention_aiter', 'attention=aiter', true],
    ['cell_rate_0_5', '0.5', true],
    ['cell_rate_0_55', '0.5', false],
    ['tier_4', '-4', false],
    ['x-4]', '-4', true],
    ['größe', 'GRÖSSE'.replace('SS', 'ß'), true],
  ])('%s holds %s: %s', (text, word, expected) => {
    expect(containsWord(text, word)).toBe(expected);
  });

  it('finds a word between anything that is no digit', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z_]*$/), fc.stringMatching(/^\w+$/), (around, word) => {
        expect(containsWord(`${around}${word}${around}`, word)).toBe(true);
      }),
    );
  });
});

describe('patternForVitest', () => {
  const frameworks = ['llama_cpp', 'vllm'];

  it('lets registered claims through and holds plain tests to all words', () => {
    const pattern = patternForVitest(/a.b c/, ['a.b', 'c'], frameworks);
    expect(pattern.test('ttft_p99[vllm-x-balanced-conc4]')).toBe(true);
    expect(pattern.test('has c and a.b')).toBe(true);
    expect(pattern.test('has a.b only')).toBe(false);
  });

  it.each(['sorts [vllm]', 'adds[1]', 'sorts [vllm-x]', 'a[vllm-x] b'])(
    'takes the plain test %j for no claim',
    (name) => {
      expect(patternForVitest(/typed/, ['typed'], frameworks).test(name)).toBe(false);
      expect(patternForVitest(/typed/, ['typed'], []).test(name)).toBe(false);
    },
  );

  it('holds a plain test to a single word exactly as plain Vitest does', () => {
    const word = fc.stringMatching(/^[\w.:=/-]{1,4}$/);
    const name = fc.string({ unit: fc.constantFrom('a', 'b', 'A', '.', '/', ' ', '\n', '-', ':', '_') });
    fc.assert(
      fc.property(word, name, (typed, text) => {
        expect(patternForVitest(new RegExp(typed), [typed], frameworks).test(text)).toBe(new RegExp(typed).test(text));
      }),
    );
  });

  it('keeps the flags of an expression', () => {
    expect(patternForVitest(/ADDS/i, ['ADDS'], frameworks).test('it adds')).toBe(true);
  });
});
