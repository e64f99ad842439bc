import { describe, expect, it } from 'vitest';
import { promptScores, promptText } from '../../../../src/adapters/llama-cpp/prompt-scores.ts';

const bytes = (text: string): Uint8Array[] => Array.from(Buffer.from(text), (byte) => Uint8Array.of(byte));

describe('promptScores', () => {
  it('gives the first token no log-probability and every other its own', () => {
    expect(promptScores(bytes('abc'), [-1, -2])).toEqual({
      tokens: ['a', 'b', 'c'],
      token_logprobs: [null, -1, -2],
      text_offset: [0, 1, 2],
    });
  });

  it('counts offsets in characters, with all tokens of a character at its start', () => {
    const scores = promptScores(bytes('é😀x'), [-1, -1, -1, -1, -1, -1]);
    expect(scores.text_offset).toEqual([0, 0, 1, 1, 1, 1, 2]);
    expect(scores.tokens).toEqual([
      'bytes:\\xc3',
      'bytes:\\xa9',
      'bytes:\\xf0',
      'bytes:\\x9f',
      'bytes:\\x98',
      'bytes:\\x80',
      'x',
    ]);
  });

  it('takes tokens of several characters', () => {
    expect(promptScores([Buffer.from('the'), new Uint8Array(), Buffer.from(' é')], [-1, -2])).toEqual({
      tokens: ['the', '', ' é'],
      token_logprobs: [null, -1, -2],
      text_offset: [0, 3, 3],
    });
  });
});

describe('promptText', () => {
  it('joins bytes before it reads them as text', () => {
    expect(promptText(bytes('é😀'))).toBe('é😀');
  });
});
