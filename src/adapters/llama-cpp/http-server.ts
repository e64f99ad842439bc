import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { messageOf } from '../../core/errors.ts';
import { chatCompletions, completions } from './completion-routes.ts';
import { HttpError, sendJson } from './http-exchange.ts';
import { serverSentEvent } from './openai-reply.ts';
import { readyEngine, type Exchange, type ServerContext } from './server-context.ts';

const requestTimeoutMs = 30_000;
const keepAliveMs = 60_000;
// Nobody waits longer than this for a client to take the rest of a finished answer.
const stallMs = 30_000;

type Handler = (exchange: Exchange) => Promise<void> | void;

const routes: Readonly<Record<string, { readonly method: 'GET' | 'POST'; readonly handler: Handler }>> = {
  '/health': { method: 'GET', handler: health },
  '/metrics': { method: 'GET', handler: metrics },
  '/props': { method: 'GET', handler: props },
  '/v1/models': { method: 'GET', handler: models },
  '/v1/completions': { method: 'POST', handler: completions },
  '/v1/chat/completions': { method: 'POST', handler: chatCompletions },
};

/** The HTTP side of the server; it answers from the moment it listens, whatever the state of the model. */
export function createHttpServer(context: ServerContext): Server {
  const options = { requestTimeout: requestTimeoutMs, headersTimeout: requestTimeoutMs, keepAliveTimeout: keepAliveMs };
  const server = createServer(options, (request, response) => void answer(request, response, context));
  return server.on('clientError', refuseConnection);
}

async function answer(request: IncomingMessage, response: ServerResponse, context: ServerContext): Promise<void> {
  const controller = new AbortController();
  context.inFlight.add(controller);
  response.on('close', () => {
    context.inFlight.delete(controller);
    controller.abort(new Error('the client is gone'));
  });
  // A write to a client that is gone fails here; the close event ends the request.
  response.on('error', () => undefined);
  response.on('finish', () => {
    if (context.state.status === 'draining') {
      request.socket.end();
    }
  });
  try {
    await route({ request, response, context, signal: controller.signal });
  } catch (error) {
    sendFailure(error, { request, response, context });
  }
  response.setTimeout(stallMs, () => response.destroy());
}

function route(exchange: Exchange): Promise<void> | void {
  const { method = '', url = '' } = exchange.request;
  const path = url.split('?', 1)[0] ?? '';
  const found = Object.hasOwn(routes, path) ? routes[path] : undefined;
  if (found === undefined) {
    throw new HttpError(404, `there is nothing at ${path}`, { code: 'not_found' });
  }
  if (found.method !== method) {
    throw new HttpError(405, `${path} takes ${found.method}, not ${method}`, {
      code: 'method_not_allowed',
      headers: { allow: found.method },
    });
  }
  return found.handler(exchange);
}

function sendFailure(error: unknown, { request, response, context }: Omit<Exchange, 'signal'>): void {
  if (response.destroyed) {
    return;
  }
  const known =
    error instanceof HttpError ? error : new HttpError(500, 'the server failed on this request', { code: 'internal' });
  if (known !== error) {
    context.log(`error: ${request.method} ${request.url} failed: ${messageOf(error)}`);
  }
  if (response.headersSent) {
    // No end mark follows, so that nobody takes the answer for complete.
    response.end(serverSentEvent(known.body));
  } else {
    sendJson(response, known.body, { status: known.status, headers: known.details.headers ?? {} });
  }
}

function refuseConnection(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const [status, reason] = refusals[error.code ?? ''] ?? ['400 Bad Request', 'the request is no valid HTTP'];
  const refusal = new HttpError(Number.parseInt(status, 10), reason, { code: 'bad_http' });
  const body = JSON.stringify(refusal.body);
  const head = [
    `HTTP/1.1 ${status}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

const refusals: Readonly<Record<string, readonly [string, string]>> = {
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', 'the request headers are too large'],
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'the request did not arrive in time'],
};

function health({ response, context }: Exchange): void {
  const { status } = context.state;
  if (status === 'ready') {
    sendJson(response, { status: 'ok' });
  } else {
    sendJson(response, { status: status === 'loading' ? 'loading model' : status }, { status: 503 });
  }
}

async function metrics({ response, context }: Exchange): Promise<void> {
  const text = await context.metrics.text();
  response.writeHead(200, { 'content-type': context.metrics.contentType }).end(text);
}

function models({ response, context }: Exchange): void {
  const { facts, loadedAt } = readyEngine(context);
  sendJson(response, {
    object: 'list',
    data: [
      {
        id: context.settings.alias,
        object: 'model',
        created: loadedAt,
        owned_by: 'llama.cpp',
        max_model_len: facts.contextPerSlot,
        meta: {
          n_vocab: facts.vocabularySize,
          n_ctx_train: facts.trainedContext,
          n_params: facts.parameters,
          size: facts.tensorBytes,
        },
      },
    ],
  });
}

function props({ response, context }: Exchange): void {
  const { facts } = readyEngine(context);
  const { settings } = context;
  sendJson(response, {
    model_alias: settings.alias,
    model_path: settings.model,
    model_sha256: settings.modelSha256 ?? null,
    n_params: facts.parameters,
    n_vocab: facts.vocabularySize,
    n_ctx_train: facts.trainedContext,
    n_ctx: facts.contextPerSlot,
    n_ctx_allocated: facts.allocatedContext,
    total_slots: facts.slots,
    n_batch: facts.batchSize,
    n_threads: facts.threads,
    max_queue: settings.maxQueue,
    seed: settings.seed,
    cache_type: facts.cacheType,
    chat_template: facts.chatTemplate,
    engine: {
      name: 'node-llama-cpp',
      version: facts.engineVersion,
      llama_cpp: facts.llamaCppRelease,
      build_type: facts.buildType,
      gpu: false,
      system_info: facts.systemInfo,
    },
    node: process.version,
  });
}
