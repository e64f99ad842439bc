import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serverArgv, type ServerOptions } from '../../src/adapters/llama-cpp/server-argv.ts';
import { modelCardSchema } from '../../src/adapters/shared/model-card.ts';

const root = join(import.meta.dirname, '../..');
const entry = join(root, 'dist/adapters/llama-cpp/server-main.js');
const models = join(root, 'fixtures/models');
const model = join(models, 'byte-llama.gguf');
const card = modelCardSchema.parse(JSON.parse(readFileSync(join(models, 'byte-llama.json'), 'utf8')));
const firstByteToken = 3;

const longRequest = { prompt: 'a', max_tokens: card.contextLength - 1, ignore_eos: true };

interface Server {
  readonly url: string;
  readonly port: number;
  readonly process: ChildProcess;
  readonly lines: string[];
  /** Settles when a line with this text was written. */
  readonly line: (part: string) => Promise<string>;
  readonly exit: Promise<number | null>;
}

const children: ChildProcess[] = [];

afterAll(() => children.forEach((child) => child.kill('SIGKILL')));

function launch(args: readonly string[]): Omit<Server, 'url' | 'port'> {
  const child = spawn(process.execPath, [entry, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  children.push(child);
  const lines: string[] = [];
  const waiting: { readonly part: string; readonly resolve: (line: string) => void }[] = [];
  const reader = createInterface({ input: child.stderr }).on('line', (line) => {
    lines.push(line);
    waiting.filter(({ part }) => line.includes(part)).forEach(({ resolve }) => resolve(line));
  });
  return {
    process: child,
    lines,
    line: (part) =>
      new Promise((resolve, reject) => {
        const seen = lines.find((line) => line.includes(part));
        if (seen !== undefined) {
          resolve(seen);
        }
        waiting.push({ part, resolve });
        reader.once('close', () => reject(new Error(`no line with ${part} in:\n${lines.join('\n')}`)));
      }),
    exit: Promise.all([once(child, 'exit'), once(reader, 'close')]).then(() => child.exitCode),
  };
}

async function start(options: Omit<ServerOptions, 'model'> = {}): Promise<Server> {
  const started = launch(serverArgv({ model, alias: 'tiny', ...options }));
  const url = (await started.line('listening on')).replace(/^.* listening on /, '');
  await started.line('ready');
  return { ...started, url, port: Number(new URL(url).port) };
}

async function stop(server: Server): Promise<void> {
  server.process.kill('SIGTERM');
  expect(await server.exit).toBe(0);
}

function post(server: Server, path: string, body: unknown): Promise<Response> {
  return fetch(server.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

interface Completion {
  readonly choices: readonly {
    readonly text: string;
    readonly finish_reason: string | null;
    readonly stop_reason: string | null;
    readonly logprobs: { readonly token_logprobs: readonly (number | null)[] } | null;
  }[];
  readonly usage: { readonly prompt_tokens: number; readonly completion_tokens: number };
}

async function complete(server: Server, body: object): Promise<Completion> {
  const response = await post(server, '/v1/completions', body);
  expect(response.status).toBe(200);
  return (await response.json()) as Completion;
}

async function textOf(server: Server, body: object): Promise<string> {
  return (await complete(server, body)).choices[0]!.text;
}

async function problemOf(response: Response): Promise<object> {
  const { error } = (await response.json()) as { error: object };
  return { status: response.status, ...error };
}

interface ChatChoice {
  readonly finish_reason: string | null;
  readonly delta: { readonly role?: string; readonly content: string };
  readonly message: { readonly content: string };
}

interface Event<Choice> {
  readonly id: string;
  readonly choices: readonly Choice[];
}

/** Events of a streamed answer, without the end mark, which must be there. */
async function eventsOf<Choice>(response: Response): Promise<Event<Choice>[]> {
  expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  const events = (await response.text()).split('\n\n');
  expect(events.slice(-2)).toEqual(['data: [DONE]', '']);
  return events.slice(0, -2).map((event) => JSON.parse(event.replace(/^data: /, '')) as Event<Choice>);
}

async function metric(server: Server, name: string): Promise<number> {
  const exposition = await (await fetch(`${server.url}/metrics`)).text();
  const line = exposition.split('\n').find((candidate) => candidate.startsWith(`vllm:${name}`));
  return Number(line?.split(' ').at(-1));
}

/** Asks until the number is there: the server may still be a moment away from it. */
async function metricBecomes(server: Server, name: string, value: number): Promise<void> {
  await expect.poll(() => metric(server, name), { timeout: 10_000, interval: 10 }).toBe(value);
}

function tokensOf(bytes: Uint8Array): number[] {
  return Array.from(bytes, (byte) => byte + firstByteToken);
}

/** A request written by hand, so that the test decides when to send, read and hang up. */
async function rawPost(server: Server, body: object): Promise<Socket> {
  const payload = JSON.stringify(body);
  const socket = connect(server.port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write(
    `POST /v1/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(payload)}\r\nconnection: close\r\n\r\n${payload}`,
  );
  return socket;
}

/**
 * Keeps a server busy for a second or more, so that what a test does next finds it so even on a
 * busy machine: opens long streams at once and gives them when the first has begun.
 */
async function occupy(server: Server, streams: number): Promise<readonly Socket[]> {
  const sockets = await Promise.all(
    Array.from({ length: streams }, () => rawPost(server, { ...longRequest, stream: true })),
  );
  await Promise.race(sockets.map((socket) => once(socket, 'readable')));
  return sockets;
}

describe('a server with two slots', () => {
  let server: Server;

  beforeAll(async () => {
    server = await start({ parallel: 2, modelSha256: card.sha256, seed: 7 });
  });

  afterAll(() => stop(server));

  it('says what it loaded, one fact per line', () => {
    expect(server.lines).toEqual([
      `assay-llama-cpp: listening on ${server.url}`,
      `assay-llama-cpp: loading ${model}`,
      `assay-llama-cpp: model loaded: ${card.parameters} parameters, trained context ${card.contextLength}, vocabulary ${card.architecture.vocabularySize}`,
      `assay-llama-cpp: slots: 2 of ${card.contextLength} tokens, 1 thread(s), F32 cache`,
      'assay-llama-cpp: ready',
    ]);
  });

  it('describes itself', async () => {
    expect(await (await fetch(`${server.url}/health`)).json()).toEqual({ status: 'ok' });
    expect(await (await fetch(`${server.url}/v1/models`)).json()).toMatchObject({
      object: 'list',
      data: [
        {
          id: 'tiny',
          object: 'model',
          meta: { n_vocab: 259, n_ctx_train: card.contextLength, n_params: card.parameters, size: card.parameters * 4 },
        },
      ],
    });
    expect(await (await fetch(`${server.url}/props`)).json()).toMatchObject({
      model_path: model,
      model_sha256: card.sha256,
      total_slots: 2,
      n_ctx: card.contextLength,
      n_threads: 1,
      seed: 7,
      cache_type: 'F32',
      chat_template: 'plain',
      engine: { name: 'node-llama-cpp', gpu: false },
    });
  });

  it('scores held-out text as the trainer did', async () => {
    const heldOut = readFileSync(join(models, card.heldOut.file));
    const { windowLength, windows, windowNlls } = card.heldOut;
    const nlls: number[] = [];
    for (let window = 0; window < windows; window += 1) {
      const prompt = tokensOf(heldOut.subarray(window * windowLength, (window + 1) * windowLength));
      const { choices, usage } = await complete(server, { prompt, max_tokens: 0, echo: true, logprobs: 0 });
      const [first, ...logprobs] = choices[0]!.logprobs!.token_logprobs;
      expect(first).toBeNull();
      expect(logprobs).toHaveLength(windowLength - 1);
      expect(usage).toEqual({ prompt_tokens: windowLength, completion_tokens: 0, total_tokens: windowLength });
      nlls.push(-logprobs.reduce<number>((sum, logprob) => sum + logprob!, 0) / logprobs.length);
    }
    // Two engines in 32-bit arithmetic, summing in different orders.
    nlls.forEach((nll, window) => expect(nll).toBeCloseTo(windowNlls[window]!, 4));
  });

  it('scores a text as it scores its tokens', async () => {
    const scoring = { max_tokens: 0, echo: true, logprobs: 0 };
    const asText = await complete(server, { ...scoring, prompt: 'Déjà vu?' });
    const asTokens = await complete(server, { ...scoring, prompt: tokensOf(Buffer.from('Déjà vu?')) });
    expect(asText.choices).toEqual(asTokens.choices);
    expect(asText.choices[0]!.text).toBe('Déjà vu?');
  });

  it('takes the most likely token at temperature 0, wherever the text is cut', async () => {
    const greedy = { prompt: 'The server ', temperature: 0, ignore_eos: true };
    const whole = await textOf(server, { ...greedy, max_tokens: 12 });
    const half = await textOf(server, { ...greedy, max_tokens: 6 });
    const rest = await textOf(server, { ...greedy, prompt: greedy.prompt + half, max_tokens: 6 });
    expect(half + rest).toBe(whole);
  });

  it('repeats a sampled text for the same seed and not for another; the server has one of its own', async () => {
    const sampled = { prompt: 'The ', max_tokens: 24, ignore_eos: true };
    const [seven, again, eight, unseeded] = await Promise.all(
      [{ seed: 7 }, { seed: 7 }, { seed: 8 }, {}].map((seed) => textOf(server, { ...sampled, ...seed })),
    );
    expect(again).toBe(seven);
    expect(unseeded).toBe(seven);
    expect(eight).not.toBe(seven);
  });

  it('streams one event per token, then the usage, then the end', async () => {
    const body = { prompt: 'The ', max_tokens: 20, seed: 3, ignore_eos: true };
    const streamed = { ...body, stream: true, stream_options: { include_usage: true } };
    const events = await eventsOf<Completion['choices'][0]>(await post(server, '/v1/completions', streamed));
    const chunks = events.slice(0, -1);
    expect(chunks.map(({ choices }) => choices[0]!.finish_reason)).toEqual([...Array(19).fill(null), 'length']);
    expect(chunks.map(({ choices }) => choices[0]!.text).join('')).toBe(await textOf(server, body));
    expect(events.at(-1)).toMatchObject({
      choices: [],
      usage: { prompt_tokens: 4, completion_tokens: 20, total_tokens: 24 },
    });
    expect(new Set(events.map(({ id }) => id)).size).toBe(1);
  });

  it('streams a chat with the role first', async () => {
    const body = { messages: [{ role: 'user', content: 'Hello' }], max_tokens: 5, seed: 3, ignore_eos: true };
    const events = await eventsOf<ChatChoice>(await post(server, '/v1/chat/completions', { ...body, stream: true }));
    const [role, ...contents] = events.map(({ choices }) => choices[0]!.delta);
    expect(role).toEqual({ role: 'assistant', content: '' });
    expect(contents).toHaveLength(5);
    const whole = (await (await post(server, '/v1/chat/completions', body)).json()) as Event<ChatChoice> & Completion;
    expect(whole.choices[0]!.message.content).toBe(contents.map(({ content }) => content).join(''));
    expect(whole.usage.prompt_tokens).toBe('user: Hello\nassistant:'.length);
  });

  it('lets a chat without max_tokens fill the slot', async () => {
    const body = { messages: [{ role: 'user', content: 'x'.repeat(card.contextLength - 30) }], ignore_eos: true };
    const { usage } = (await (await post(server, '/v1/chat/completions', body)).json()) as Completion;
    expect(usage.prompt_tokens + usage.completion_tokens).toBe(card.contextLength);
  });

  it('stops before a stop text and says which', async () => {
    const body = { prompt: 'The ', temperature: 0, max_tokens: 12, ignore_eos: true };
    const plain = await textOf(server, body);
    const stopText = plain.slice(4, 6);
    const { choices } = await complete(server, { ...body, stop: [stopText, '\u0000'] });
    expect(choices[0]).toMatchObject({
      text: plain.slice(0, plain.indexOf(stopText)),
      finish_reason: 'stop',
      stop_reason: stopText,
    });
  });

  it('gives each of many requests at once the answer it gives to one alone', async () => {
    const bodies = Array.from({ length: 8 }, (_, seed) => ({
      prompt: 'word '.repeat(1 + (seed % 5) * 12),
      max_tokens: 4 + seed * 3,
      ignore_eos: true,
      seed,
    }));
    const together = await Promise.all(bodies.map((body) => textOf(server, body)));
    for (const [index, body] of bodies.entries()) {
      expect(await textOf(server, body), `request ${index}`).toBe(together[index]);
    }
  });

  it('counts what it did', async () => {
    const names = ['prompt_tokens_total', 'generation_tokens_total', 'time_to_first_token_seconds_count'];
    const before = await Promise.all(names.map((name) => metric(server, name)));
    await Promise.all(
      [3, 4, 5].map((count) => complete(server, { prompt: 'abc', max_tokens: count, ignore_eos: true })),
    );
    const after = await Promise.all(names.map((name) => metric(server, name)));
    expect(after.map((value, index) => value - before[index]!)).toEqual([9, 12, 3]);
    await metricBecomes(server, 'kv_cache_usage_perc', 0);
  });

  it.each([
    { case: 'no JSON', body: '{"prompt"', status: 400, code: 'invalid_json', param: null },
    {
      case: 'wrong fields',
      body: { prompt: 'a', temperature: 'hot' },
      status: 400,
      code: 'invalid_value',
      param: 'temperature',
    },
    { case: 'an unknown token id', body: { prompt: [5, 259] }, status: 400, code: 'invalid_value', param: 'prompt[1]' },
    {
      case: 'a prompt that fills the slot',
      body: { prompt: 'x'.repeat(card.contextLength) },
      status: 400,
      code: 'context_length_exceeded',
      param: 'prompt',
    },
    {
      case: 'more tokens than fit',
      body: { prompt: 'x', max_tokens: card.contextLength },
      status: 400,
      code: 'context_length_exceeded',
      param: 'max_tokens',
    },
    {
      case: 'another model',
      body: { prompt: 'x', model: 'big' },
      status: 404,
      code: 'model_not_found',
      param: 'model',
    },
    { case: 'a huge body', body: { prompt: 'x'.repeat(2_000_000) }, status: 413, code: 'body_too_large', param: null },
  ])('refuses $case', async ({ body, status, code, param }) => {
    expect(await problemOf(await post(server, '/v1/completions', body))).toMatchObject({ status, code, param });
  });

  it('fills a slot to its last token, and can score as many', async () => {
    const prompt = 'x'.repeat(card.contextLength - 1);
    expect((await complete(server, { prompt, max_tokens: 1 })).usage.completion_tokens).toBe(1);
    const scored = await complete(server, { prompt: `${prompt}x`, max_tokens: 0, echo: true, logprobs: 0 });
    expect(scored.choices[0]!.logprobs!.token_logprobs).toHaveLength(card.contextLength);
  });

  it('takes in a long prompt in parts as it does in one piece', async () => {
    const inParts = await start({ parallel: 8 });
    const prompt = 'The queue is short, the server is idle, and nobody knows why. '.repeat(5);
    const scoring = { prompt, max_tokens: 0, echo: true, logprobs: 0 };
    const greedy = { prompt, max_tokens: 16, temperature: 0, ignore_eos: true };
    const [scores, partScores] = await Promise.all(
      [server, inParts].map(async (one) => (await complete(one, scoring)).choices[0]!.logprobs!.token_logprobs),
    );
    scores!.slice(1).forEach((score, index) => expect(partScores![index + 1]).toBeCloseTo(score!, 4));
    expect(await textOf(inParts, greedy)).toBe(await textOf(server, greedy));
    await stop(inParts);
  });

  it('refuses a body of another media type', async () => {
    const response = await fetch(`${server.url}/v1/completions`, { method: 'POST', body: '{"prompt":"a"}' });
    expect(await problemOf(response)).toMatchObject({ status: 415, code: 'unsupported_media_type' });
  });

  it('survives a client that hangs up within its body', async () => {
    const socket = connect(server.port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write('POST /v1/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{"pro');
    socket.destroy();
    await complete(server, { prompt: 'a', max_tokens: 1 });
    expect(server.lines.at(-1)).toBe('assay-llama-cpp: ready');
  });
});

describe('a server with one slot', () => {
  let server: Server;

  beforeAll(async () => {
    server = await start({ parallel: 1, maxQueue: 32 });
  });

  afterAll(() => stop(server));

  it('takes requests out of the queue when their clients hang up', async () => {
    const started = await metric(server, 'request_queue_time_seconds_count');
    const sockets = await occupy(server, 20);
    await expect.poll(() => metric(server, 'num_requests_waiting'), { interval: 10 }).toBeGreaterThan(0);
    sockets.forEach((socket) => socket.destroy());
    await metricBecomes(server, 'num_requests_waiting', 0);
    await metricBecomes(server, 'num_requests_running', 0);
    expect((await metric(server, 'request_queue_time_seconds_count')) - started).toBeLessThan(20);
    await complete(server, { prompt: 'a', max_tokens: 1 });
  });

  it('refuses what the queue cannot hold, and serves the rest in full', async () => {
    const body = { ...longRequest, max_tokens: 50 };
    const responses = await Promise.all(Array.from({ length: 100 }, () => post(server, '/v1/completions', body)));
    const statuses = responses.map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set([200, 429]));
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThan(32);
    expect(responses.find(({ status }) => status === 429)?.headers.get('retry-after')).toBe('1');
    for (const response of responses.filter(({ status }) => status === 200)) {
      const { usage } = (await response.json()) as Completion;
      expect(usage.completion_tokens).toBe(body.max_tokens);
    }
  });

  it('does not wait for a client that does not read', async () => {
    const slow = await rawPost(server, { ...longRequest, stream: true });
    slow.pause();
    await complete(server, { prompt: 'a', max_tokens: 1 });
    await metricBecomes(server, 'num_requests_running', 0);
    slow.resume();
    const body = await text(slow);
    expect(body.match(/"text":/g)).toHaveLength(longRequest.max_tokens);
    expect(body).toContain('data: [DONE]');
  });
});

describe('a server with eight slots', () => {
  let server: Server;

  beforeAll(async () => {
    server = await start({ parallel: 8 });
  });

  afterAll(() => stop(server));

  it('stops generating when clients hang up, and serves the next', async () => {
    const sockets = await occupy(server, 8);
    await metricBecomes(server, 'num_requests_running', 8);
    sockets.forEach((socket) => socket.destroy());
    await metricBecomes(server, 'num_requests_running', 0);
    expect(await metric(server, 'request_success_total{engine="0",model_name="tiny",finished_reason="abort"}')).toBe(8);
    expect(await metric(server, 'generation_tokens_total')).toBeLessThan(8 * longRequest.max_tokens);
    await Promise.all(Array.from({ length: 8 }, () => complete(server, { prompt: 'a', max_tokens: 1 })));
  });
});

describe('shutting down', () => {
  it('finishes what runs, refuses what waits and what comes, and exits with 0', async () => {
    const server = await start({ parallel: 1 });
    const late = connect(server.port, '127.0.0.1');
    await once(late, 'connect');
    late.write('POST /v1/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n');
    const sockets = await occupy(server, 20);
    const waiting = post(server, '/v1/completions', longRequest);
    await expect.poll(() => metric(server, 'num_requests_waiting'), { interval: 10 }).toBeGreaterThan(0);

    server.process.kill('SIGTERM');
    await server.line('SIGTERM: draining');
    late.write('\r\n{}');
    expect(await problemOf(await waiting)).toMatchObject({ status: 503, code: 'draining' });
    expect(await text(late)).toMatch(/^HTTP\/1\.1 503 [^]*"code":"draining"/);
    const answers = await Promise.all(sockets.map((socket) => text(socket)));
    expect(answers.some((answer) => answer.includes('data: [DONE]'))).toBe(true);
    expect(answers.filter((answer) => !/\[DONE\]|"code":"draining"/.test(answer))).toEqual([]);
    expect(await server.exit).toBe(0);
  });

  it('cuts what runs longer than the drain timeout, and exits with 0', async () => {
    const server = await start({ parallel: 8, drainTimeoutS: 0 });
    const sockets = await occupy(server, 8);
    await metricBecomes(server, 'num_requests_running', 8);
    server.process.kill('SIGINT');
    for (const answer of await Promise.all(sockets.map((socket) => text(socket)))) {
      expect(answer).toContain('"code":"draining"');
      expect(answer).not.toContain('[DONE]');
    }
    expect(await server.exit).toBe(0);
  });

  it('exits with 0 while the model still loads', async () => {
    const starting = launch(serverArgv({ model }));
    await starting.line('listening on');
    starting.process.kill('SIGTERM');
    expect(await starting.exit).toBe(0);
    expect(starting.lines.join('\n')).not.toContain('ready');
  });

  it('exits at once on a second signal', async () => {
    const server = await start({ parallel: 8, drainTimeoutS: 3600 });
    const held = connect(server.port, '127.0.0.1');
    await once(held, 'connect');
    held.write('POST /v1/completions HTTP/1.1\r\n');
    await occupy(server, 8);
    server.process.kill('SIGTERM');
    await server.line('draining');
    server.process.kill('SIGTERM');
    expect(await server.exit).toBe(143);
    held.destroy();
  });
});

describe('a start that fails', () => {
  let folder = '';

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'assay-llama-cpp-'));
  });

  afterAll(() => rm(folder, { recursive: true }));

  async function failure(args: readonly string[]): Promise<{ code: number | null; error: string }> {
    const failed = launch(args);
    const code = await failed.exit;
    expect(failed.lines.filter((line) => /^\s+at |node:internal/.test(line))).toEqual([]);
    return { code, error: failed.lines.at(-1) ?? '' };
  }

  it('finds a taken port before it loads anything', async () => {
    const server = await start();
    const failed = launch(serverArgv({ model, port: server.port }));
    expect(await failed.exit).toBe(1);
    expect(failed.lines).toEqual([
      `assay-llama-cpp: error: port ${server.port} on 127.0.0.1 is already in use - give another --port, or 0 for a free one`,
    ]);
    await stop(server);
  });

  it('refuses a file that is no model before it listens', async () => {
    const path = join(folder, 'text.gguf');
    await writeFile(path, 'some text');
    const failed = launch(serverArgv({ model: path }));
    expect(await failed.exit).toBe(1);
    expect(failed.lines).toEqual([
      `assay-llama-cpp: error: ${path} is no GGUF file: it starts with "some" - give a model converted to GGUF`,
    ]);
  });

  it('refuses half a model', async () => {
    const path = join(folder, 'half.gguf');
    await writeFile(path, readFileSync(model).subarray(0, 200_000));
    const { code, error } = await failure(serverArgv({ model: path }));
    expect(code).toBe(1);
    expect(error).toContain(`error: model ${path} cannot be loaded: `);
  });

  it('refuses a missing model, another digest and a context above the trained one', async () => {
    const missing = join(folder, 'missing.gguf');
    const results = await Promise.all([
      failure(serverArgv({ model: missing })),
      failure(serverArgv({ model, modelSha256: '0'.repeat(64) })),
      failure(serverArgv({ model, ctxSize: card.contextLength + 1 })),
    ]);
    expect(results.map(({ code }) => code)).toEqual([1, 1, 1]);
    expect(results.map(({ error }) => error.replace('assay-llama-cpp: error: ', ''))).toEqual([
      expect.stringContaining(`model file ${missing} cannot be read: ENOENT`),
      expect.stringContaining(`has sha256:${card.sha256}, expected sha256:000`),
      `--ctx-size ${card.contextLength + 1} is above the ${card.contextLength} tokens the model was trained on - use ${card.contextLength} or less`,
    ]);
  });

  it('says how to call it, and exits with 2, when the arguments are wrong', async () => {
    expect(await failure(['--port=x'])).toEqual({
      code: 2,
      error:
        'assay-llama-cpp: error: --model is missing; --port must be a whole number from 0 to 65535 (got "x") - see --help',
    });
  });
});
