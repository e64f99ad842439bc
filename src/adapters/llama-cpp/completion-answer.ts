import type { ServerResponse } from 'node:http';
import { TaskRefused } from './batch-scheduler.ts';
import type { Engine } from './engine.ts';
import type { Sampling } from './generation.ts';
import { HttpError, sendJson } from './http-exchange.ts';
import { serverSentEvent, streamEnd, usageOf, type ReplyFormat, type Usage } from './openai-reply.ts';
import { promptScores, promptText } from './prompt-scores.ts';
import { draining, type Exchange } from './server-context.ts';
import type { RequestMetrics } from './server-metrics.ts';
import { TextStream, type FinishReason, type StopRule, type TokenText } from './text-stream.ts';

/** An exchange that has reached a loaded model. */
export interface Asked extends Exchange {
  readonly engine: Engine;
  readonly timing: RequestMetrics;
}

/** What a request asks the engine for, and how it wants the answer. */
export interface Order {
  readonly prompt: readonly number[];
  readonly rule: StopRule;
  readonly sampling: Sampling;
  readonly format: ReplyFormat;
  readonly isStreamed: boolean;
  readonly withUsage: boolean;
}

/** Answers with the log-probabilities of the prompt. */
export async function score(asked: Asked, prompt: readonly number[], format: ReplyFormat): Promise<void> {
  const { engine, timing, signal } = asked;
  const onStart = (): void => timing.admitted(prompt.length);
  const logprobs = await measured(asked, async () => ({
    result: await engine.score({ prompt, onStart }, signal),
    finish: 'length',
  }));
  const parts = prompt.map((token) => engine.describe(token).bytes);
  const answer = { text: promptText(parts), finish: 'length', stopText: undefined } as const;
  const scores = promptScores(parts, logprobs);
  sendJson(asked.response, format.whole({ ...answer, scores }, usageOf(prompt.length, 0)));
}

/** Answers with generated text, at the end or token by token. */
export async function generate(asked: Asked, what: Order): Promise<void> {
  const { engine, timing, signal } = asked;
  const text = new TextStream(what.rule);
  const reply = what.isStreamed ? streamedReply(asked.response, what) : wholeReply(asked.response, what);
  let finish: FinishReason = 'length';
  await measured(asked, async () => {
    await engine.generate(
      {
        prompt: what.prompt,
        sampling: what.sampling,
        onStart: () => timing.admitted(what.prompt.length),
        onToken: (token) => {
          timing.token();
          const added = text.push(engine.describe(token));
          reply.token(added);
          finish = added.finish ?? finish;
          return added.finish !== undefined;
        },
      },
      signal,
    );
    return { result: undefined, finish };
  });
  reply.end(usageOf(what.prompt.length, text.tokens));
}

async function measured<T>(
  { timing, signal }: Asked,
  work: () => Promise<{ readonly result: T; readonly finish: FinishReason }>,
): Promise<T> {
  try {
    const { result, finish } = await work();
    timing.finished(finish);
    return result;
  } catch (error) {
    if (error instanceof TaskRefused) {
      throw error.reason === 'closed'
        ? draining()
        : new HttpError(429, 'all slots are taken and the queue is full', {
            code: 'queue_full',
            headers: { 'retry-after': '1' },
          });
    }
    timing.finished(signal.aborted ? 'abort' : 'error');
    throw error;
  }
}

interface Reply {
  token(token: TokenText): void;
  end(usage: Usage): void;
}

function wholeReply(response: ServerResponse, { format }: Order): Reply {
  const texts: string[] = [];
  let last: TokenText | undefined;
  return {
    token(token) {
      texts.push(token.text);
      last = token;
    },
    end(usage) {
      const { finish = 'length', stopText } = last ?? {};
      sendJson(response, format.whole({ text: texts.join(''), finish, stopText }, usage));
    },
  };
}

/** One event per token, also for a token without text, so that events show when tokens came. */
function streamedReply(response: ServerResponse, { format, withUsage }: Order): Reply {
  let isFirst = true;
  return {
    token(token) {
      if (isFirst) {
        response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' });
      }
      response.write(format.chunks(token, isFirst).map(serverSentEvent).join(''));
      isFirst = false;
    },
    end(usage) {
      response.end((withUsage ? serverSentEvent(format.usageChunk(usage)) : '') + streamEnd);
    },
  };
}
