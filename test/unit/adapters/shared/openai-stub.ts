import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';
import type { LoadPlan } from '../../../../src/adapters/shared/load-plan.ts';

/** A request as the stub got it. */
export interface StubRequest {
  readonly id: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Readonly<Record<string, unknown>>;
  /** Settles when the exchange is over, for whatever reason. */
  readonly closed: Promise<unknown>;
}

type Answer = (response: ServerResponse, request: StubRequest) => void | Promise<void>;

/** A server on a free port of this machine, closed when the test ends; each connection settles when it closes. */
export async function startStub(
  answer: Answer,
): Promise<{ url: string; requests: StubRequest[]; connections: Promise<unknown>[] }> {
  const requests: StubRequest[] = [];
  const connections: Promise<unknown>[] = [];
  const server = createServer((message, response) => {
    const closed = once(response, 'close');
    void json(message).then((body) => {
      const request: StubRequest = {
        id: String(message.headers['x-request-id']),
        path: message.url ?? '',
        headers: message.headers,
        body: body as StubRequest['body'],
        closed,
      };
      requests.push(request);
      return answer(response, request);
    });
  });
  // Connections are the client's to close.
  server.keepAliveTimeout = 0;
  server.on('connection', (socket) => connections.push(once(socket, 'close')));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, requests, connections };
}

/** A plan of a few short requests; what a test is about goes into `changes`. */
export function planFor(baseUrl: string, changes: Partial<LoadPlan> = {}): LoadPlan {
  return {
    baseUrl,
    model: 'tiny',
    endpoint: 'completions',
    arrival: { kind: 'closed', users: 1 },
    requests: 1,
    warmupRequests: 0,
    inputTokens: 5,
    outputTokens: 3,
    vocabulary: { firstTokenId: 10, size: 1000 },
    seed: 7,
    requestTimeoutMs: 20_000,
    ...changes,
  };
}

export function event(data: unknown): string {
  return `data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`;
}

/** A completions chunk with text, as vLLM sends it. */
export function token(text = ' a', finishReason: string | null = null): string {
  return event({ choices: [{ index: 0, text, finish_reason: finishReason }], usage: null });
}

export function usage(promptTokens: number, completionTokens: number): string {
  return event({
    choices: [],
    usage: { prompt_tokens: promptTokens, completion_tokens: completionTokens },
  });
}

export const done = event('[DONE]');

/** A whole answer of three tokens, each in a write of its own. */
export function answerThreeTokens(response: ServerResponse): void {
  stream(response);
  response.write(token());
  response.write(token());
  response.write(token(' a', 'length'));
  response.end(`${usage(5, 3)}${done}`);
}

/** Starts a streamed answer. */
export function stream(response: ServerResponse): ServerResponse {
  return response.writeHead(200, { 'content-type': 'text/event-stream' });
}

/** A promise with its resolve function at hand. */
export function gate(): { readonly opened: Promise<void>; open: () => void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open: () => open() };
}
