import { describe, expect, it } from 'vitest';
import { tokenBytes, type Vocabulary } from '../../../../src/adapters/llama-cpp/token-bytes.ts';

const bytesOf = (token: number, vocabulary: Vocabulary): number[] => [...tokenBytes(token, vocabulary)];

describe('tokenBytes', () => {
  it('takes whole text as it is', () => {
    const vocabulary: Vocabulary = { tokens: ['▁é'], kind: 'llama', textOf: () => ' é' };
    expect(bytesOf(0, vocabulary)).toEqual([0x20, 0xc3, 0xa9]);
  });

  it('gives nothing for a control token', () => {
    expect(bytesOf(0, { tokens: ['<s>'], kind: 'llama', textOf: () => '' })).toEqual([]);
  });

  it('reads a byte token from its spelling', () => {
    const vocabulary: Vocabulary = { tokens: ['<0xC3>', '<0xff>'], kind: 'llama', textOf: () => '\uFFFD' };
    expect([bytesOf(0, vocabulary), bytesOf(1, vocabulary)]).toEqual([[0xc3], [0xff]]);
  });

  it('does not take text that looks like a byte token for one', () => {
    expect(bytesOf(0, { tokens: ['<0xC3>'], kind: 'llama', textOf: () => '<0xC3>' })).toHaveLength(6);
  });

  it('reads the byte spelling of GPT-2 vocabularies', () => {
    // As byte-level tokenizers write them: 0x00 is U+0100, 0xa0 is U+0142, 0xad is U+0143, 0x7f is U+0121.
    const vocabulary: Vocabulary = {
      tokens: ['â\u0142', '\u0100', '\u0143', '\u0121Ġ'],
      kind: 'gpt2',
      textOf: () => '\uFFFD',
    };
    expect([0, 1, 2, 3].map((token) => bytesOf(token, vocabulary))).toEqual([
      [0xe2, 0xa0],
      [0x00],
      [0xad],
      [0x7f, 0x20],
    ]);
  });

  it('keeps a token that really is U+FFFD', () => {
    expect(bytesOf(0, { tokens: ['\uFFFD'], kind: 'llama', textOf: () => '\uFFFD' })).toEqual([0xef, 0xbf, 0xbd]);
  });
});
