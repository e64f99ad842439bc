import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readStreamEvent, snippet } from '../../../../src/adapters/shared/stream-events.ts';

function chunk(choice: object, rest: object = {}): string {
  return JSON.stringify({ choices: [choice], ...rest });
}

const nothing = { kind: 'chunk', carriesToken: false, isFinish: false, usage: null };

describe('readStreamEvent', () => {
  it.each<[string, string, object]>([
    ['a text', chunk({ text: ' a', finish_reason: null }), { carriesToken: true }],
    ['half a character', chunk({ text: '', finish_reason: null }), { carriesToken: true }],
    ['the last text', chunk({ text: ' a', finish_reason: 'length' }), { carriesToken: true, isFinish: true }],
    ['a bare finish', chunk({ text: '', finish_reason: 'length' }), { isFinish: true }],
    ['a chat text', chunk({ delta: { content: 'a' } }), { carriesToken: true }],
    ['a thought', chunk({ delta: { content: null, reasoning_content: 'a' } }), { carriesToken: true }],
    ['a thought, new name', chunk({ delta: { reasoning: 'a' } }), { carriesToken: true }],
    ['half a chat character', chunk({ delta: { content: '' } }), { carriesToken: true }],
    ['the role', chunk({ delta: { role: 'assistant', content: '' } }), {}],
    ['role and text', chunk({ delta: { role: 'assistant', content: 'a' } }), { carriesToken: true }],
    ['a chat finish', chunk({ delta: {}, finish_reason: 'stop' }), { isFinish: true }],
    ['no choice', '{"choices":[]}', {}],
    [
      'the usage',
      '{"choices":[],"usage":{"prompt_tokens":4,"completion_tokens":9}}',
      { usage: { inputTokens: 4, outputTokens: 9 } },
    ],
    [
      'half a usage',
      chunk({ text: 'a' }, { usage: { completion_tokens: 9 } }),
      { carriesToken: true, usage: { inputTokens: null, outputTokens: 9 } },
    ],
    ['another object', '{"timings":{}}', {}],
  ])('reads %s', (_, data, expected) => {
    expect(readStreamEvent(data)).toEqual({ ...nothing, ...expected });
  });

  it.each<[string, string]>([
    ['{"error":{"message":"out of memory","code":500}}', 'out of memory'],
    ['{"error":"overloaded"}', 'overloaded'],
    ['{"error":{"code":500}}', '{"code":500}'],
    ['{"object":"error","message":"bad\\nrequest","code":400}', 'bad request'],
  ])('reads the error %s', (data, message) => {
    expect(readStreamEvent(data)).toEqual({ kind: 'error', message });
  });

  it('knows the end', () => {
    expect(readStreamEvent('[DONE]')).toEqual({ kind: 'done' });
  });

  it.each(['', '{"choices":[', 'null', '3', '[]', '"a"'])('calls %j malformed', (data) => {
    expect(readStreamEvent(data)).toEqual({
      kind: 'malformed',
      message: `not a JSON object: ${data}`,
    });
  });

  it('never throws, whatever JSON comes', () => {
    fc.assert(
      fc.property(fc.json(), fc.constantFrom('', 'choices', 'usage', 'error'), (json, key) => {
        const data = key === '' ? json : `{"${key}":${json}}`;
        expect(['chunk', 'error', 'malformed']).toContain(readStreamEvent(data).kind);
      }),
    );
  });
});

describe('snippet', () => {
  it('is short and on one line', () => {
    expect(snippet(`a\n\t b${'c'.repeat(500)}`)).toBe(`a b${'c'.repeat(195)}`);
  });
});
