import { describe, expect, it } from 'vitest';
import {
  chatFormat,
  completionFormat,
  serverSentEvent,
  usageOf,
} from '../../../../src/adapters/llama-cpp/openai-reply.ts';

const token = { text: 'a', finish: undefined, stopText: undefined };
const last = { text: '', finish: 'stop', stopText: 'END' } as const;
const head = {
  id: expect.stringMatching(/^cmpl-/),
  object: 'text_completion',
  created: expect.any(Number),
  model: 'tiny',
};
const chatHead = {
  id: expect.stringMatching(/^chatcmpl-/),
  object: 'chat.completion.chunk',
  created: expect.any(Number),
  model: 'tiny',
};
const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };

describe('completionFormat', () => {
  it('words each token as one chunk, the last with the reasons', () => {
    const format = completionFormat('tiny');
    const choice = { index: 0, text: 'a', logprobs: null, finish_reason: null, stop_reason: null };
    expect(format.chunks(token, true)).toEqual([{ ...head, choices: [choice] }]);
    expect(format.chunks(last, false)).toEqual([
      { ...head, choices: [{ ...choice, text: '', finish_reason: 'stop', stop_reason: 'END' }] },
    ]);
    expect(format.usageChunk(usageOf(3, 2))).toEqual({ ...head, choices: [], usage });
  });

  it('keeps one id for all chunks of an answer and another for the next', () => {
    const idsOf = (format: ReturnType<typeof completionFormat>): unknown[] =>
      [...format.chunks(token, true), ...format.chunks(last, false)].map((chunk) => Reflect.get(chunk as object, 'id'));
    const format = completionFormat('tiny');
    expect(new Set([...idsOf(format), ...idsOf(format)]).size).toBe(1);
    expect(idsOf(format)).not.toEqual(idsOf(completionFormat('tiny')));
  });

  it('adds scores to a whole answer', () => {
    const scores = { tokens: ['a', 'b'], token_logprobs: [null, -1], text_offset: [0, 1] };
    expect(completionFormat('tiny').whole({ ...last, text: 'ab', scores }, usageOf(3, 2))).toEqual({
      ...head,
      choices: [
        {
          index: 0,
          text: 'ab',
          logprobs: { ...scores, top_logprobs: null },
          finish_reason: 'stop',
          stop_reason: 'END',
        },
      ],
      usage,
    });
  });
});

describe('chatFormat', () => {
  it('sends the role before the first token and the content after it', () => {
    const format = chatFormat('tiny');
    const choice = { index: 0, logprobs: null, finish_reason: null, stop_reason: null };
    expect(format.chunks(token, true)).toEqual([
      { ...chatHead, choices: [{ ...choice, delta: { role: 'assistant', content: '' } }] },
      { ...chatHead, choices: [{ ...choice, delta: { content: 'a' } }] },
    ]);
    expect(format.chunks(last, false)).toEqual([
      { ...chatHead, choices: [{ ...choice, delta: { content: '' }, finish_reason: 'stop', stop_reason: 'END' }] },
    ]);
  });

  it('words a whole answer as a message', () => {
    expect(chatFormat('tiny').whole({ text: 'ab', finish: 'length', stopText: undefined }, usageOf(3, 2))).toEqual({
      ...chatHead,
      object: 'chat.completion',
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: 'ab' },
          logprobs: null,
          finish_reason: 'length',
          stop_reason: null,
        },
      ],
      usage,
    });
  });
});

describe('serverSentEvent', () => {
  it('is one data line, whatever the text holds', () => {
    expect(serverSentEvent({ text: 'a\n\nb' })).toBe('data: {"text":"a\\n\\nb"}\n\n');
  });
});
