import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chatSchema, completionSchema, readBody } from '../../../../src/adapters/llama-cpp/openai-schema.ts';

function completionProblem(body: unknown): string {
  const read = readBody(completionSchema, body);
  return read.ok ? 'fine' : read.problems.message;
}

function chatProblem(body: unknown): string {
  const read = readBody(chatSchema, body);
  return read.ok ? 'fine' : read.problems.message;
}

const messages = [{ role: 'user', content: 'hi' }];

describe('completionSchema', () => {
  it('fills in the defaults of OpenAI', () => {
    expect(readBody(completionSchema, { prompt: 'a' })).toEqual({
      ok: true,
      value: {
        prompt: 'a',
        max_tokens: 16,
        temperature: 1,
        top_p: 1,
        top_k: -1,
        min_p: 0,
        min_tokens: 0,
        ignore_eos: false,
        stop: [],
        stream: false,
        echo: false,
      },
    });
  });

  it('takes token ids, one stop text or several, and null for what is left out', () => {
    const read = readBody(completionSchema, {
      prompt: [0, 258],
      stop: 'x',
      seed: null,
      temperature: null,
      suffix: null,
    });
    expect(read).toMatchObject({ ok: true, value: { prompt: [0, 258], stop: ['x'], temperature: 1 } });
  });

  it('passes fields it does not know', () => {
    expect(completionProblem({ prompt: 'a', user: 'u', store: true, frequency_penalty: 0, n: 1, logit_bias: {} })).toBe(
      'fine',
    );
  });

  it.each([
    [{}, 'prompt: must be a text or an array of token ids, and not empty'],
    [{ prompt: '' }, 'prompt: must be a text or an array of token ids, and not empty (got "")'],
    [{ prompt: [] }, 'prompt: must be a text or an array of token ids, and not empty (got [])'],
    [{ prompt: 7 }, 'prompt: must be a text or an array of token ids, and not empty (got 7)'],
    [{ prompt: [1, 1.5, 'x'] }, 'prompt[1]: must be a token id (got 1.5)'],
    [{ prompt: [[1]] }, 'prompt[0]: must be a token id (got [1])'],
    [{ prompt: 'a', n: 2 }, 'n: only 1 is supported by this server (got 2)'],
    [{ prompt: 'a', presence_penalty: 0.5 }, 'presence_penalty: only 0 is supported by this server (got 0.5)'],
    [{ prompt: 'a', logit_bias: { 5: 1 } }, 'logit_bias: is not supported by this server (got {"5":1})'],
    [{ prompt: 'a', stop: ['a', ''] }, 'stop[1]: Too small: expected string to have >=1 characters (got "")'],
    [{ prompt: 'a', stream_options: {} }, 'stream_options: is only allowed with stream: true (got {})'],
    [
      { prompt: 'a', min_tokens: 5, max_tokens: 4 },
      'min_tokens: must not be larger than max_tokens, which is 4 (got 5)',
    ],
    [
      { prompt: 'a', logprobs: 1 },
      'logprobs: must be set with max_tokens 0, and only then: only the prompt is scored (got 1)',
    ],
    [[], 'body: Invalid input: expected object, received array (got [])'],
    ['x', 'body: Invalid input: expected object, received string (got "x")'],
    [null, 'body: Invalid input: expected object, received null (got null)'],
  ])('says what is wrong with %j', (body, problem) => {
    expect(completionProblem(body)).toBe(problem);
  });

  it.each([
    'temperature',
    'top_p',
    'top_k',
    'min_p',
    'seed',
    'max_tokens',
    'min_tokens',
    'stream',
    'ignore_eos',
    'stop',
    'model',
  ])('refuses nonsense in %s, naming it', (field) => {
    const nonsense = field === 'stop' || field === 'model' ? 7 : 'nonsense';
    expect(completionProblem({ prompt: 'a', [field]: nonsense })).toMatch(new RegExp(`^${field}: `));
  });

  it.each([
    ['temperature', [-0.1, 2.1]],
    ['top_p', [0, 1.1]],
    ['seed', [-1, 0xff_ff_ff_ff, 0.5]],
    ['max_tokens', [-1, 1.5]],
    ['top_k', [-2]],
  ])('refuses %s out of range', (field, values) => {
    for (const value of values) {
      expect(completionProblem({ prompt: 'a', [field]: value })).toContain(`(got ${value})`);
    }
  });

  it('reports all problems at once, and the first place', () => {
    const read = readBody(completionSchema, { prompt: 'a', temperature: 'hot', n: 3, stream: 1 });
    expect(read.ok ? undefined : read.problems.field).toBe('temperature');
    expect(read.ok ? [] : read.problems.message.split('; ').map((problem) => problem.split(':', 1)[0])).toEqual([
      'temperature',
      'stream',
      'n',
    ]);
  });

  it('scores only with echo, logprobs and max_tokens 0 together', () => {
    const scoring = { prompt: 'a', echo: true, logprobs: 0, max_tokens: 0 };
    expect(completionProblem(scoring)).toBe('fine');
    for (const left of ['echo', 'logprobs', 'max_tokens']) {
      expect(completionProblem({ ...scoring, [left]: null })).not.toBe('fine');
    }
    expect(completionProblem({ ...scoring, stream: true })).toContain('stream: must be false');
  });

  it('keeps the report of a huge body short', () => {
    expect(completionProblem({ prompt: Array(100_000).fill('x') }).length).toBeLessThan(200);
    expect(chatProblem({ messages: Array(1000).fill({}) }).length).toBeLessThan(3000);
  });

  it('never throws, whatever comes', () => {
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fc.record({ prompt: fc.jsonValue(), stop: fc.jsonValue() })), (body) => {
        expect(completionProblem(body)).toBeTypeOf('string');
        expect(chatProblem(body)).toBeTypeOf('string');
      }),
    );
  });
});

describe('chatSchema', () => {
  it('joins the text parts of a message', () => {
    const content = [
      { type: 'text', text: 'a' },
      { type: 'text', text: 'b' },
    ];
    const read = readBody(chatSchema, { messages: [{ role: 'user', content }] });
    expect(read).toMatchObject({ ok: true, value: { messages: [{ role: 'user', content: 'ab' }] } });
  });

  it.each([
    [{}, 'messages: Invalid input: expected array, received undefined'],
    [{ messages: [] }, 'messages: Too small: expected array to have >=1 items (got [])'],
    [{ messages, tools: [{}] }, 'tools: is not supported by this server (got [{}])'],
    [{ messages, max_tokens: 0 }, 'max_tokens: Too small: expected number to be >=1 (got 0)'],
    [{ messages, logprobs: true }, 'logprobs: only false is supported by this server (got true)'],
    [
      { messages, response_format: { type: 'json_object' } },
      'response_format.type: only "text" is supported by this server (got "json_object")',
    ],
    [
      { messages: [{ role: 'user', content: [{ type: 'image_url' }] }] },
      'messages[0].content: must be a text or an array of {"type": "text", "text": ...} parts (got [{"type":"image_url"}])',
    ],
    [
      { messages, max_completion_tokens: 3, min_tokens: 4 },
      'min_tokens: must not be larger than max_tokens, which is 3 (got 4)',
    ],
  ])('says what is wrong with %j', (body, problem) => {
    expect(chatProblem(body)).toBe(problem);
  });
});
