import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TextStream, type StopRule, type TokenText } from '../../../../src/adapters/llama-cpp/text-stream.ts';

const endless: StopRule = { maxTokens: Number.POSITIVE_INFINITY, minTokens: 0, ignoreEos: false, stopTexts: [] };

/** Feeds tokens until one of them is the last. */
function feed(rule: Partial<StopRule>, tokens: readonly (Uint8Array | 'end')[]): TokenText[] {
  const stream = new TextStream({ ...endless, ...rule });
  const added: TokenText[] = [];
  for (const token of tokens) {
    const isEnd = token === 'end';
    added.push(stream.push({ bytes: isEnd ? new Uint8Array() : token, isEnd }));
    if (added.at(-1)?.finish !== undefined) {
      break;
    }
  }
  expect(stream.tokens).toBe(added.length);
  return added;
}

function letters(text: string): Uint8Array[] {
  return Array.from(text, (letter) => Buffer.from(letter));
}

function joined(added: readonly TokenText[]): string {
  return added.map(({ text }) => text).join('');
}

describe('TextStream', () => {
  it('emits a character with the last of its bytes and nothing before', () => {
    const bytes = Array.from(Buffer.from('a€é'), (byte) => Uint8Array.of(byte));
    expect(feed({}, bytes).map(({ text }) => text)).toEqual(['a', '', '', '€', '', 'é']);
  });

  it('says length with the last token, and what no character became', () => {
    expect(feed({ maxTokens: 2 }, [Buffer.from('a'), Uint8Array.of(0xe2)])).toEqual([
      { text: 'a', finish: undefined, stopText: undefined },
      { text: '\uFFFD', finish: 'length', stopText: undefined },
    ]);
  });

  it('keeps a byte order mark', () => {
    expect(joined(feed({ maxTokens: 1 }, [Uint8Array.of(0xef, 0xbb, 0xbf)]))).toBe('\uFEFF');
  });

  it('loses no text, however characters are spread over tokens', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1 }),
        fc.infiniteStream(fc.integer({ min: 0, max: 3 })),
        (bytes, sizes) => {
          const tokens: Uint8Array[] = [];
          for (let start = 0; start < bytes.length;) {
            const size = sizes.next().value ?? 1;
            tokens.push(bytes.subarray(start, start + size));
            start += size;
          }
          const text = joined(feed({ maxTokens: tokens.length }, tokens));
          expect(text).toBe(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes));
        },
      ),
    );
  });

  it('stops at an end token, which counts but adds no text', () => {
    expect(feed({}, [...letters('ab'), 'end', ...letters('c')])).toEqual([
      { text: 'a', finish: undefined, stopText: undefined },
      { text: 'b', finish: undefined, stopText: undefined },
      { text: '', finish: 'stop', stopText: undefined },
    ]);
  });

  it('goes on after an end token when that is to be ignored', () => {
    const added = feed({ ignoreEos: true, maxTokens: 3 }, ['end', 'end', ...letters('ab')]);
    expect([joined(added), added.at(-1)?.finish]).toEqual(['a', 'length']);
  });

  it('goes on after an end token among the first min_tokens', () => {
    const added = feed({ minTokens: 2 }, ['end', 'end', 'end', ...letters('a')]);
    expect([added.length, added.at(-1)?.finish]).toEqual([3, 'stop']);
  });

  it('cuts the answer before the stop text and names it', () => {
    const added = feed({ stopTexts: ['xyz', '. E'] }, letters('The end. End'));
    expect(joined(added)).toBe('The end');
    expect(added.at(-1)).toEqual({ text: '', finish: 'stop', stopText: '. E' });
  });

  it('holds text back only while it may become a stop text', () => {
    expect(feed({ stopTexts: ['abc'] }, letters('xababd')).map(({ text }) => text)).toEqual([
      'x',
      '',
      '',
      'ab',
      '',
      'abd',
    ]);
  });

  it('gives out what is held back when the answer ends for another reason', () => {
    expect(joined(feed({ stopTexts: ['abc'] }, [...letters('xab'), 'end']))).toBe('xab');
    expect(joined(feed({ stopTexts: ['abc'], maxTokens: 3 }, letters('xabc')))).toBe('xab');
  });

  it('does not look for stop texts in the first min_tokens', () => {
    const added = feed({ stopTexts: ['b'], minTokens: 2 }, letters('abab'));
    expect([joined(added), added.length]).toEqual(['aba', 4]);
  });

  it('cuts exactly where the first stop text of the whole text begins', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(
        fc.array(word, { minLength: 1 }),
        fc.array(word, { minLength: 1, maxLength: 3 }),
        (tokens, stopTexts) => {
          const text = tokens.join('');
          const ends = stopTexts.map((stopText) => text.indexOf(stopText)).filter((index) => index !== -1);
          const added = feed(
            { stopTexts, maxTokens: tokens.length },
            tokens.map((token) => Buffer.from(token)),
          );
          if (ends.length === 0) {
            expect(joined(added)).toBe(text);
          } else {
            const cut = joined(added);
            expect(text.startsWith(cut)).toBe(true);
            expect(stopTexts.some((stopText) => cut.includes(stopText))).toBe(false);
            expect(text.slice(cut.length).startsWith(added.at(-1)?.stopText ?? '?')).toBe(true);
          }
        },
      ),
    );
  });
});
