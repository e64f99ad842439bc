import type { z } from 'zod';
import { messageOf } from '../../core/errors.ts';
import { generate, score, type Asked, type Order } from './completion-answer.ts';
import type { Engine } from './engine.ts';
import { HttpError, readJson } from './http-exchange.ts';
import { chatFormat, completionFormat, type ReplyFormat } from './openai-reply.ts';
import { chatSchema, completionSchema, readBody, type ChatRequest, type CompletionRequest } from './openai-schema.ts';
import { readyEngine, type Exchange } from './server-context.ts';

/** POST /v1/completions */
export async function completions(exchange: Exchange): Promise<void> {
  const asked = ask(exchange);
  const body = await checkedBody(asked, completionSchema);
  const prompt = promptTokens(body, asked.engine);
  checkLength(prompt.length, body.max_tokens, asked.engine);
  const format = completionFormat(asked.context.settings.alias);
  if (body.echo) {
    await score(asked, prompt, format);
  } else {
    await generate(asked, order(asked, body, { prompt, maxTokens: body.max_tokens, format }));
  }
}

/** POST /v1/chat/completions */
export async function chatCompletions(exchange: Exchange): Promise<void> {
  const asked = ask(exchange);
  const body = await checkedBody(asked, chatSchema);
  const prompt = chatTokens(body, asked.engine);
  const left = asked.engine.facts.contextPerSlot - prompt.length;
  const maxTokens = body.max_completion_tokens ?? body.max_tokens ?? Math.max(1, left);
  checkLength(prompt.length, maxTokens, asked.engine);
  const format = chatFormat(asked.context.settings.alias);
  await generate(asked, order(asked, body, { prompt, maxTokens, format }));
}

function ask(exchange: Exchange): Asked {
  return { ...exchange, engine: readyEngine(exchange.context), timing: exchange.context.metrics.arrived() };
}

async function checkedBody<T extends { model?: string | undefined }>(asked: Asked, schema: z.ZodType<T>): Promise<T> {
  const read = readBody(schema, await readJson(asked.request));
  if (!read.ok) {
    const { field, message } = read.problems;
    throw new HttpError(400, message, { code: 'invalid_value', param: field });
  }
  const { alias } = asked.context.settings;
  if (read.value.model !== undefined && read.value.model !== alias) {
    throw new HttpError(404, `there is no model ${JSON.stringify(read.value.model)}, only ${JSON.stringify(alias)}`, {
      code: 'model_not_found',
      param: 'model',
    });
  }
  return read.value;
}

function promptTokens({ prompt }: CompletionRequest, engine: Engine): readonly number[] {
  if (typeof prompt === 'string') {
    return engine.tokenize(prompt);
  }
  const { vocabularySize } = engine.facts;
  const unknown = prompt.findIndex((token) => token >= vocabularySize);
  if (unknown !== -1) {
    throw new HttpError(
      400,
      `prompt[${unknown}]: the vocabulary ends at ${vocabularySize - 1} (got ${prompt[unknown]})`,
      {
        code: 'invalid_value',
        param: `prompt[${unknown}]`,
      },
    );
  }
  return prompt;
}

function chatTokens({ messages }: ChatRequest, engine: Engine): readonly number[] {
  try {
    return engine.tokenizeChat(messages);
  } catch (error) {
    throw new HttpError(400, `the chat template of the model refuses these messages: ${messageOf(error)}`, {
      code: 'invalid_value',
      param: 'messages',
    });
  }
}

function checkLength(promptLength: number, maxTokens: number, engine: Engine): void {
  const { contextPerSlot } = engine.facts;
  if (promptLength === 0) {
    throw new HttpError(400, 'the prompt has no tokens', { code: 'invalid_value', param: 'prompt' });
  }
  if (promptLength + maxTokens > contextPerSlot) {
    throw new HttpError(
      400,
      `prompt tokens (${promptLength}) and max_tokens (${maxTokens}) are together more than the ${contextPerSlot} a slot can hold`,
      { code: 'context_length_exceeded', param: promptLength >= contextPerSlot ? 'prompt' : 'max_tokens' },
    );
  }
}

function order(
  { context, engine }: Asked,
  body: CompletionRequest | ChatRequest,
  { prompt, maxTokens, format }: { prompt: readonly number[]; maxTokens: number; format: ReplyFormat },
): Order {
  return {
    prompt,
    rule: { maxTokens, minTokens: body.min_tokens, ignoreEos: body.ignore_eos, stopTexts: body.stop },
    sampling: {
      temperature: body.temperature,
      topP: body.top_p,
      topK: Math.min(body.top_k, engine.facts.vocabularySize),
      minP: body.min_p,
      seed: body.seed ?? context.settings.seed,
    },
    format,
    isStreamed: body.stream,
    withUsage: body.stream_options?.include_usage ?? false,
  };
}
