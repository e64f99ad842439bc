import { randomUUID } from 'node:crypto';
import type { FinishReason, TokenText } from './text-stream.ts';

/** Token counts of one answer. */
export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
}

/** Log-probabilities (natural logarithm) of a prompt, token by token; the first token has none. */
export interface PromptScores {
  readonly tokens: readonly string[];
  readonly token_logprobs: readonly (number | null)[];
  /** Where each token starts in the text, in characters (code points). */
  readonly text_offset: readonly number[];
}

/** How one of the two interfaces words its answers. */
export interface ReplyFormat {
  /** The events that carry one token; the first token may need an event before it. */
  readonly chunks: (token: TokenText, isFirst: boolean) => readonly unknown[];
  /** The event with no choices that carries the usage at the end. */
  readonly usageChunk: (usage: Usage) => unknown;
  /** The whole answer at once. */
  readonly whole: (answer: WholeAnswer, usage: Usage) => unknown;
}

/** An answer that is sent in one piece. */
export interface WholeAnswer extends TokenText {
  readonly finish: FinishReason;
  readonly scores?: PromptScores | undefined;
}

/** Token counts from the lengths of prompt and output. */
export function usageOf(promptTokens: number, completionTokens: number): Usage {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
  };
}

/** Answers of POST /v1/completions. */
export function completionFormat(model: string): ReplyFormat {
  const head = replyHead('cmpl', 'text_completion', model);
  const choice = (part: TokenText, scores?: PromptScores): unknown => ({
    index: 0,
    text: part.text,
    logprobs: scores === undefined ? null : { ...scores, top_logprobs: null },
    finish_reason: part.finish ?? null,
    stop_reason: part.stopText ?? null,
  });
  return {
    chunks: (token) => [{ ...head, choices: [choice(token)] }],
    usageChunk: (usage) => ({ ...head, choices: [], usage }),
    whole: (answer, usage) => ({ ...head, choices: [choice(answer, answer.scores)], usage }),
  };
}

/** Answers of POST /v1/chat/completions. */
export function chatFormat(model: string): ReplyFormat {
  const head = replyHead('chatcmpl', 'chat.completion.chunk', model);
  const chunk = (delta: unknown, token?: TokenText): unknown => ({
    ...head,
    choices: [
      {
        index: 0,
        delta,
        logprobs: null,
        finish_reason: token?.finish ?? null,
        stop_reason: token?.stopText ?? null,
      },
    ],
  });
  return {
    chunks: (token, isFirst) => {
      const content = chunk({ content: token.text }, token);
      return isFirst ? [chunk({ role: 'assistant', content: '' }), content] : [content];
    },
    usageChunk: (usage) => ({ ...head, choices: [], usage }),
    whole: (answer, usage) => ({
      ...head,
      object: 'chat.completion',
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: answer.text },
          logprobs: null,
          finish_reason: answer.finish,
          stop_reason: answer.stopText ?? null,
        },
      ],
      usage,
    }),
  };
}

/** One server-sent event. */
export function serverSentEvent(data: unknown): string {
  return `data: ${JSON.stringify(data)}\n\n`;
}

/** The event that ends a complete stream. */
export const streamEnd = 'data: [DONE]\n\n';

function replyHead(prefix: string, object: string, model: string): object {
  return { id: `${prefix}-${randomUUID()}`, object, created: Math.floor(Date.now() / 1000), model };
}
