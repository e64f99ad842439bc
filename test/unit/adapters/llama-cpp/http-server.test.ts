import { once } from 'node:events';
import type { Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { createHttpServer } from '../../../../src/adapters/llama-cpp/http-server.ts';
import { parseServerArgv } from '../../../../src/adapters/llama-cpp/server-argv.ts';
import type { ServerContext, ServerState } from '../../../../src/adapters/llama-cpp/server-context.ts';
import { ServerMetrics, type EngineLoad } from '../../../../src/adapters/llama-cpp/server-metrics.ts';

interface Running {
  readonly url: string;
  readonly port: number;
  readonly context: ServerContext;
  readonly logged: string[];
}

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** The HTTP side alone, in a state in which it has no model. */
async function start(
  state: ServerState,
  load: () => EngineLoad = () => ({ running: 0, waiting: 0, cacheUsage: 0 }),
): Promise<Running> {
  const command = parseServerArgv(['--model=tiny.gguf']);
  if (command.kind !== 'serve') {
    throw new Error('unexpected');
  }
  const logged: string[] = [];
  const context: ServerContext = {
    settings: command.settings,
    metrics: new ServerMetrics('tiny', load),
    inFlight: new Set(),
    log: (line) => logged.push(line),
    state,
  };
  const server = createHttpServer(context);
  servers.push(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, port, context, logged };
}

async function answerTo(url: string, init?: RequestInit): Promise<readonly [number, unknown]> {
  const response = await fetch(url, init);
  return [response.status, await response.json()];
}

async function raw(port: number, request: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(request);
  return text(socket);
}

const loading: ServerState = { status: 'loading' };
const draining: ServerState = { status: 'draining' };

describe('createHttpServer', () => {
  it('says over /health what it is doing', async () => {
    const { url, context } = await start(loading);
    expect(await answerTo(`${url}/health`)).toEqual([503, { status: 'loading model' }]);
    context.state = draining;
    expect(await answerTo(`${url}/health`)).toEqual([503, { status: 'draining' }]);
  });

  it('serves metrics while the model loads', async () => {
    const { url } = await start(loading);
    const response = await fetch(`${url}/metrics?x=1`);
    expect(response.headers.get('content-type')).toContain('text/plain');
    expect(await response.text()).toContain('vllm:num_requests_running{engine="0",model_name="tiny"} 0');
  });

  it.each([
    ['GET', '/props'],
    ['GET', '/v1/models'],
    ['POST', '/v1/completions'],
    ['POST', '/v1/chat/completions'],
  ])('refuses %s %s for a while before the model is there and after draining began', async (method, path) => {
    const { url, context } = await start(loading);
    const init = { method, ...(method === 'POST' ? { body: '{}' } : {}) };
    expect(await answerTo(url + path, init)).toEqual([
      503,
      {
        error: {
          message: 'the model is still loading',
          type: 'service_unavailable_error',
          param: null,
          code: 'loading_model',
        },
      },
    ]);
    context.state = draining;
    expect(await answerTo(url + path, init)).toEqual([
      503,
      {
        error: {
          message: 'the server is shutting down',
          type: 'service_unavailable_error',
          param: null,
          code: 'draining',
        },
      },
    ]);
  });

  it('has 404 for unknown places, also those that every object has', async () => {
    const { url } = await start(loading);
    for (const path of ['/nope', '/constructor', '/__proto__', '//', '/v1/completions/']) {
      expect((await fetch(url + path)).status, path).toBe(404);
    }
    expect(await answerTo(`${url}/nope?a=b`)).toEqual([
      404,
      {
        error: { message: 'there is nothing at /nope', type: 'invalid_request_error', param: null, code: 'not_found' },
      },
    ]);
  });

  it('has 405 for a wrong method and says the right one', async () => {
    const { url } = await start(loading);
    const response = await fetch(`${url}/v1/completions`);
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST']);
    expect((await fetch(`${url}/health`, { method: 'DELETE' })).status).toBe(405);
  });

  it('answers what is no HTTP with 400 and headers without end with 431, in JSON', async () => {
    const { port, url } = await start(loading);
    expect(await raw(port, 'NONSENSE\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n[^]*"code":"bad_http"/);
    expect(await raw(port, `GET / HTTP/1.1\r\nx: ${'y'.repeat(100_000)}`)).toMatch(/^HTTP\/1\.1 431 /);
    expect((await fetch(`${url}/health`)).status).toBe(503);
  });

  it('tells the operator about a failure of its own, and the client nothing but 500', async () => {
    const { url, logged } = await start(loading, () => {
      throw new Error('inner detail');
    });
    const [status, body] = await answerTo(`${url}/metrics`);
    expect([status, JSON.stringify(body)]).toEqual([500, expect.not.stringContaining('inner')]);
    expect(logged).toEqual(['error: GET /metrics failed: inner detail']);
  });

  it('forgets a request when its connection is gone', async () => {
    const { port, context } = await start(loading);
    await raw(port, 'GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
    expect(context.inFlight.size).toBe(0);
  });

  it('closes connections after the answer once draining began', async () => {
    const { port } = await start(draining);
    expect(await raw(port, 'GET /health HTTP/1.1\r\nhost: x\r\n\r\n')).toContain('"draining"');
  });
});
