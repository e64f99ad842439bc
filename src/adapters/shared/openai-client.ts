import { Pool } from 'undici';
import type { RequestOutcome } from './exchange.ts';
import { Exchange } from './exchange.ts';
import type { LoadPlan } from './load-plan.ts';
import { textPrompt, tokenPrompt } from './prompts.ts';

/** A request ready to go: nothing is left to compute between its arrival and its send. */
interface PreparedRequest {
  readonly id: string;
  readonly body: Buffer;
}

interface ClientOptions {
  /** At most this many connections; null opens one for each request in flight. */
  readonly connections: number | null;
  /** Called for every streamed chunk that carries a token. */
  readonly onTokenChunk: () => void;
}

/** Sends prepared requests to one server; a request that fails is an outcome, never a rejection. */
export interface OpenAiClient {
  send(request: PreparedRequest): Promise<RequestOutcome>;
  /** Ends every request in flight as `aborted` and closes their connections. */
  abort(reason: string): void;
  /** Closes the connections; call it when no request is in flight. */
  close(): Promise<void>;
}

// Below the 5 s after which uvicorn and Node close an idle connection, so a
// request never meets a connection that is closing.
const keepAliveMs = 4000;

/** A client for the plan's server: keep-alive, one request per connection at a time, no proxy. */
export function createOpenAiClient(plan: LoadPlan, options: ClientOptions): OpenAiClient {
  const url = new URL(endpointPaths[plan.endpoint], plan.baseUrl.replace(/\/*$/, '/'));
  const pool = new Pool(url.origin, {
    connections: options.connections,
    pipelining: 1,
    connect: { timeout: plan.requestTimeoutMs },
    keepAliveTimeout: keepAliveMs,
    // The exchange has one exact timeout for the whole request; these are coarse and in parts.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  const readMoment = createReadMoment();
  const inFlight = new Set<Exchange>();
  const headers = { ...plan.headers, 'content-type': 'application/json' };

  const send = (request: PreparedRequest): Promise<RequestOutcome> =>
    new Promise((resolve) => {
      const exchange = new Exchange({
        readMoment,
        timeoutMs: plan.requestTimeoutMs,
        onTokenChunk: options.onTokenChunk,
        onSettled: (settled, outcome) => {
          inFlight.delete(settled);
          resolve(outcome);
        },
      });
      inFlight.add(exchange);
      pool.dispatch(
        {
          path: url.pathname,
          method: 'POST',
          headers: { ...headers, 'x-request-id': request.id },
          body: request.body,
        },
        exchange,
      );
    });

  return {
    send,
    abort: (reason) => {
      for (const exchange of inFlight) exchange.fail('aborted', reason);
    },
    close: () => pool.destroy(),
  };
}

const endpointPaths = { completions: 'v1/completions', chat: 'v1/chat/completions' } as const;

/** The body that asks for exactly `outputTokens` tokens, greedily, as a stream with usage at its end. */
export function requestBody(plan: LoadPlan, index: number): Buffer {
  const prompt =
    plan.endpoint === 'completions'
      ? { prompt: tokenPrompt(plan, index) }
      : { messages: [{ role: 'user', content: textPrompt(plan, index) }] };
  return Buffer.from(
    JSON.stringify({
      model: plan.model,
      ...prompt,
      max_tokens: plan.outputTokens,
      min_tokens: plan.outputTokens,
      ignore_eos: true,
      temperature: 0,
      stream: true,
      stream_options: { include_usage: true },
    }),
  );
}

/**
 * The moment of the socket read being handled. undici hands over every HTTP
 * chunk of one read within one synchronous run, so the first call of a run
 * takes the time and the rest of the run shares it.
 */
function createReadMoment(): () => number {
  let momentMs: number | null = null;
  return () => {
    if (momentMs === null) {
      momentMs = performance.now();
      queueMicrotask(() => (momentMs = null));
    }
    return momentMs;
  };
}
