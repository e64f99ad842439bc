import { AsyncLocalStorage, createHook } from 'node:async_hooks';
import { getEventListeners, once } from 'node:events';
import type { Socket } from 'node:net';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { arrivalOffsetsMs } from '../../../../src/adapters/shared/arrivals.ts';
import type { LoadPlan } from '../../../../src/adapters/shared/load-plan.ts';
import { startLoad } from '../../../../src/adapters/shared/load.ts';
import { createRandom } from '../../../../src/adapters/shared/random.ts';
import type { SampleRow } from '../../../../src/evidence/tables/samples.ts';
import { answerThreeTokens, done, event, gate, planFor, startStub, stream, token, usage } from './openai-stub.ts';

const ms = expect.any(Number) as number;

function start(plan: LoadPlan, signal?: AbortSignal) {
  const rows: SampleRow[] = [];
  const warmups: SampleRow[] = [];
  const load = startLoad(plan, {
    role: 'server',
    host: 'n1',
    onSample: (row) => rows.push(row),
    onWarmupSample: (row) => warmups.push(row),
    ...(signal && { signal }),
  });
  return { ...load, rows, warmups };
}

function byId(rows: readonly SampleRow[]): SampleRow[] {
  return rows.toSorted((a, b) => (a.requestId < b.requestId ? -1 : 1));
}

/** Answers when `size` requests are in flight for the first time, and from then on at once. */
async function startGatheringStub(size: number) {
  const gathered = gate();
  let inFlight = 0;
  let peak = 0;
  const stub = await startStub(async (response) => {
    inFlight += 1;
    peak = Math.max(peak, inFlight);
    if (inFlight === size) gathered.open();
    response.on('finish', () => (inFlight -= 1));
    await gathered.opened;
    answerThreeTokens(response);
  });
  return { stub, peak: () => peak };
}

/** The timers that `work` makes, and those of them that are still set when it is over; not those of Vitest beside it. */
async function timersLeftBy(work: () => Promise<unknown>): Promise<{ readonly made: number; readonly left: number }> {
  const ours = new AsyncLocalStorage<true>();
  const set = new Set<number>();
  let made = 0;
  const hook = createHook({
    init: (id, type) => {
      if (type !== 'Timeout' || ours.getStore() === undefined) return;
      made += 1;
      set.add(id);
    },
    destroy: (id) => set.delete(id),
  }).enable();
  await ours.run(true, work);
  // Node tells of the end of a timer a turn later.
  await new Promise(setImmediate);
  hook.disable();
  return { made, left: set.size };
}

const threeTokens: Omit<SampleRow, 'requestId'> = {
  tsMs: ms,
  ttftMs: ms,
  tpotMs: ms,
  itlMs: ms,
  e2elMs: ms,
  inputTokens: 5,
  outputTokens: 3,
  role: 'server',
  host: 'n1',
  ok: true,
  error: null,
  latenessMs: null,
  itlsMs: [ms, ms],
};

describe('a closed loop', () => {
  it('runs every warm-up to its end first, then exactly the measured requests', async () => {
    const log: string[] = [];
    const stub = await startStub((response, { id }) => {
      log.push(`got ${id}`);
      response.on('finish', () => log.push(`answered ${id}`));
      answerThreeTokens(response);
    });
    const plan = planFor(stub.url, {
      arrival: { kind: 'closed', users: 2 },
      requests: 5,
      warmupRequests: 3,
    });
    const load = start(plan);
    const summary = await load.done;

    expect(byId(load.rows)).toEqual(
      [0, 1, 2, 3, 4].map((index) => ({ requestId: `measure-7-${index}`, ...threeTokens })),
    );
    expect(load.warmups.map(({ requestId }) => requestId).toSorted()).toEqual(
      [0, 1, 2].map((index) => `warmup-7-${index}`),
    );
    expect(log).toHaveLength(16);
    expect(log.slice(0, 6).every((line) => line.includes('warmup'))).toBe(true);
    expect(summary).toEqual({
      aborted: false,
      window: { startMs: ms, endMs: ms, durationMs: ms },
      completed: 5,
      failed: 0,
      totalInputTokens: 25,
      totalOutputTokens: 15,
      statusCounts: { 200: 5 },
      peakInFlight: 2,
      lateness: null,
      eventLoopDelayMaxMs: ms,
    });
    expect(summary.window?.startMs).toBe(Math.min(...load.rows.map(({ tsMs }) => tsMs)));
    expect(summary.window?.endMs).toBeCloseTo(Math.max(...load.rows.map(({ tsMs, e2elMs }) => tsMs + e2elMs!)), 2);
    expect(load.progress()).toEqual({
      phase: 'done',
      requests: 5,
      sent: 5,
      finished: 5,
      failed: 0,
      inFlight: 0,
      outputTokens: 15,
      measuringMs: ms,
      warmupFinished: 3,
      warmupFailed: 0,
      streamedChunks: 24,
    });
  });

  it('keeps each user on one connection, with at most one request per user', async () => {
    const { stub, peak } = await startGatheringStub(3);
    const load = start(planFor(stub.url, { arrival: { kind: 'closed', users: 3 }, requests: 30 }));
    await load.done;
    expect(stub.requests).toHaveLength(30);
    expect(peak()).toBe(3);
    expect(stub.connections).toHaveLength(3);
  });

  it('leaves no connection, timer or listener behind', { timeout: 3000 }, async () => {
    const stub = await startStub(answerThreeTokens);
    const { signal } = new AbortController();
    const arrival = { kind: 'closed', users: 2 } as const;
    const timers = await timersLeftBy(() => start(planFor(stub.url, { arrival, requests: 4 }), signal).done);
    expect(timers.made).toBeGreaterThan(0);
    expect(timers.left).toBe(0);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    // Idle ones would outlive the test's time.
    await Promise.all(stub.connections);
    expect(stub.connections).toHaveLength(2);
  });

  it('asks for exactly the planned tokens, with a prompt of its own for each request', async () => {
    const stub = await startStub(answerThreeTokens);
    const headers = { authorization: 'Bearer key' };
    await start(planFor(`${stub.url}/base/`, { requests: 3, warmupRequests: 2, headers })).done;
    const [first] = stub.requests;
    expect(first).toMatchObject({
      id: 'warmup-7-0',
      path: '/base/v1/completions',
      headers: { authorization: 'Bearer key', 'content-type': 'application/json' },
    });
    expect(first!.body).toEqual({
      model: 'tiny',
      prompt: expect.any(Array),
      max_tokens: 3,
      min_tokens: 3,
      ignore_eos: true,
      temperature: 0,
      stream: true,
      stream_options: { include_usage: true },
    });
    const prompts = stub.requests.map(({ body }) => body['prompt'] as number[]);
    expect(prompts.map((prompt) => prompt.length)).toEqual([5, 5, 5, 5, 5]);
    expect(new Set(prompts.map(String)).size).toBe(5);
  });

  it('speaks chat: a text goes out, the announcement of the role is no token', async () => {
    const role = gate();
    const stub = await startStub(async (response) => {
      stream(response).write(event({ choices: [{ delta: { role: 'assistant', content: '' } }] }));
      await role.opened;
      response.write(event({ choices: [{ delta: { content: 'a' } }] }));
      response.write(event({ choices: [{ delta: { content: 'b' }, finish_reason: 'length' }] }));
      response.end(done);
    });
    const load = start(planFor(stub.url, { endpoint: 'chat' }));
    while (stub.requests.length === 0) await new Promise(setImmediate);
    const openedAtMs = performance.timeOrigin + performance.now();
    role.open();
    await load.done;
    expect(stub.requests[0]).toMatchObject({
      path: '/v1/chat/completions',
      body: {
        messages: [{ role: 'user', content: expect.stringMatching(/^([a-z]+ ){4}[a-z]+$/) }],
      },
    });
    expect(load.rows).toEqual([
      {
        ...threeTokens,
        requestId: 'measure-7-0',
        inputTokens: null,
        outputTokens: 2,
        itlsMs: [ms],
      },
    ]);
    expect(load.rows[0]!.tsMs + load.rows[0]!.ttftMs!).toBeGreaterThanOrEqual(openedAtMs);
  });
});

/** Gives every connection the same bytes, in writes of their own, whatever it asks. */
async function startRawStub(...writes: readonly string[]): Promise<string> {
  const answer = async (socket: Socket): Promise<void> => {
    await once(socket, 'data');
    socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n');
    for (const bytes of writes) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      socket.write(bytes, 'latin1');
    }
  };
  const server = createServer((socket) => {
    onTestFinished(() => void socket.destroy());
    void answer(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function httpChunk(text: string): string {
  return `${text.length.toString(16)}\r\n${text}\r\n`;
}

describe('the moment of a token', () => {
  it('is the same for all tokens of one read, be they one HTTP chunk or several', async () => {
    const url = await startRawStub(
      httpChunk(token()) + httpChunk(token() + token()),
      `${httpChunk(token(' a', 'length') + done)}0\r\n\r\n`,
    );
    const { done: finished, rows } = start(planFor(url, { outputTokens: 4 }));
    await finished;
    expect(rows).toMatchObject([{ ok: true, outputTokens: 4, itlsMs: [0, 0, ms] }]);
    expect(rows[0]!.itlsMs[2]).toBeGreaterThan(0);
  });

  it('is that of its last byte when an event comes in pieces', async () => {
    const last = token(' a', 'length') + done;
    const url = await startRawStub(
      httpChunk(token() + token().slice(0, 20)),
      `${httpChunk(token().slice(20))}${httpChunk(last)}0\r\n\r\n`,
    );
    const { done: finished, rows } = start(planFor(url));
    await finished;
    expect(rows).toMatchObject([{ ok: true, outputTokens: 3, itlsMs: [ms, 0] }]);
    expect(rows[0]!.itlsMs[0]).toBeGreaterThan(0);
  });
});

describe('an open loop', () => {
  const arrival = {
    kind: 'open',
    requestRatePerSec: 200,
    burstiness: 1,
    maxConcurrency: null,
  } as const;

  function expectedOffsets(seed: number, count: number): number[] {
    const schedule = arrivalOffsetsMs(arrival, createRandom(seed, 'arrivals/measure'));
    return Array.from({ length: count }, () => schedule.next().value);
  }

  function byArrival(rows: readonly SampleRow[]): SampleRow[] {
    return rows.toSorted((a, b) => a.tsMs - b.tsMs);
  }

  it('goes on sending while the server answers nothing, and bills the wait to every request', async () => {
    const all = gate();
    // It answers only when every request has come: with a client that waits for answers, never.
    const stub = await startStub(async (response) => {
      if (stub.requests.length === 40) all.open();
      await all.opened;
      answerThreeTokens(response);
    });
    const load = start(planFor(stub.url, { arrival, requests: 40 }));
    await all.opened;
    const openedAtMs = performance.timeOrigin + performance.now();
    expect(load.progress()).toMatchObject({
      phase: 'measure',
      sent: 40,
      inFlight: 40,
      finished: 0,
    });
    const summary = await load.done;

    const rows = byArrival(load.rows);
    const offsets = expectedOffsets(7, 40);
    for (const [index, row] of rows.entries()) {
      expect(row.tsMs - rows[0]!.tsMs).toBeCloseTo(offsets[index]!, 2);
      expect(row.latenessMs).toBeGreaterThanOrEqual(0);
      expect(row.tsMs + row.ttftMs!).toBeGreaterThanOrEqual(openedAtMs);
    }
    expect(summary).toMatchObject({ completed: 40, peakInFlight: 40, lateness: { maxMs: ms } });
    expect(summary.lateness!.maxMs).toBe(Math.max(...rows.map(({ latenessMs }) => latenessMs!)));
  });

  it('shows a stall of 300 ms in every request that was due in it', async () => {
    const stall = { startMs: Infinity, endMs: Infinity };
    const now = (): number => performance.timeOrigin + performance.now();
    // The stub shares this thread: its stall holds the client's sends up too.
    const stub = await startStub((response) => {
      if (stub.requests.length === 10) {
        stall.startMs = now();
        while (now() < stall.startMs + 300);
        stall.endMs = now();
      }
      answerThreeTokens(response);
    });
    const load = start(planFor(stub.url, { arrival, requests: 100 }));
    await load.done;
    const rows = byArrival(load.rows);
    const offsets = expectedOffsets(7, 100);
    const due = rows.filter(({ tsMs }) => tsMs > stall.startMs && tsMs < stall.endMs);
    expect(rows.map(({ ok }) => ok)).toEqual(Array(100).fill(true));
    expect(rows.at(-1)!.tsMs - rows[0]!.tsMs).toBeCloseTo(offsets.at(-1)!, 2);
    expect(due.length).toBeGreaterThan(30);
    for (const { tsMs, ttftMs, latenessMs } of due) {
      expect(tsMs + latenessMs!).toBeGreaterThanOrEqual(stall.endMs);
      expect(tsMs + ttftMs!).toBeGreaterThanOrEqual(stall.endMs);
    }
  });

  it('sends all at once at an infinite rate, as many at a time as the cap allows', async () => {
    const { stub, peak } = await startGatheringStub(4);
    const burst = { ...arrival, requestRatePerSec: Infinity, maxConcurrency: 4 };
    const load = start(planFor(stub.url, { arrival: burst, requests: 20 }));
    const summary = await load.done;
    expect(summary).toMatchObject({ completed: 20, peakInFlight: 4 });
    expect(peak()).toBe(4);
    expect(stub.connections).toHaveLength(4);
    expect(new Set(load.rows.map(({ tsMs }) => tsMs)).size).toBe(1);
    // Whoever waited for a slot has the wait in its latency.
    const last = load.rows.at(-1)!;
    expect(last.latenessMs).toBeGreaterThan(load.rows[0]!.e2elMs!);
    expect(last.ttftMs).toBeGreaterThan(last.latenessMs!);
  });
});

describe('a failing server', () => {
  const failed = { ...threeTokens, ok: false, tpotMs: null, e2elMs: null };
  const noToken = { ...failed, ttftMs: null, itlMs: null, outputTokens: 0, itlsMs: [] };
  const oneToken = { ...failed, itlMs: null, outputTokens: 1, itlsMs: [] };

  type Answer = Parameters<typeof startStub>[0];

  async function expectTwoFailures(answer: Answer, expected: object, requestTimeoutMs = 20_000): Promise<void> {
    const stub = await startStub(answer);
    const arrival = { kind: 'closed', users: 2 } as const;
    const load = start(planFor(stub.url, { arrival, requests: 2, requestTimeoutMs }));
    const summary = await load.done;
    expect(byId(load.rows)).toEqual([0, 1].map((index) => ({ ...expected, requestId: `measure-7-${index}` })));
    const [, status] = /^(?:http: )?(\w+)/.exec(load.rows[0]!.error!)!;
    expect(summary).toMatchObject({
      completed: 0,
      failed: 2,
      totalOutputTokens: 0,
      statusCounts: { [status!]: 2 },
    });
    await Promise.all(stub.requests.map(({ closed }) => closed));
  }

  it.each<[string, Answer, object]>([
    [
      'refuses with 500',
      (response) => void response.writeHead(500).end('{"error":\n "out of  memory"}'),
      { ...noToken, error: 'http: 500: {"error": "out of memory"}' },
    ],
    ['refuses with 429', (response) => void response.writeHead(429).end(), { ...noToken, error: 'http: 429' }],
    [
      'resets in mid-stream',
      (response) => void stream(response).write(token(), () => response.socket?.resetAndDestroy()),
      { ...oneToken, error: expect.stringMatching(/^network: (ECONNRESET|UND_ERR_SOCKET) /) },
    ],
    [
      'sends an event that is not JSON',
      (response) => void stream(response).write(`${token()}${event('{"choices":[')}${token()}`),
      { ...oneToken, error: 'malformed: not a JSON object: {"choices":[' },
    ],
    [
      'sends what is not an event stream',
      (response) => void stream(response).write('{"object":"text_completion"}\n'),
      { ...noToken, error: 'malformed: {"object":"text_completion"}' },
    ],
    [
      'reports an error in the stream',
      (response) => void stream(response).write(token() + event({ error: { message: 'engine died' } })),
      { ...oneToken, error: 'server_error: engine died' },
    ],
    [
      'reports an error as llama-server does',
      (response) => void stream(response).write(`${token()}error: {"message":"no slot"}\n\n`),
      { ...oneToken, error: 'server_error: no slot' },
    ],
    [
      'ends the stream early',
      (response) => void stream(response).end(token()),
      { ...oneToken, error: 'truncated: the stream ended before [DONE] or a finish_reason' },
    ],
    [
      'ends the stream without a token',
      (response) => void stream(response).end(usage(5, 0) + done),
      { ...noToken, error: 'empty: the stream ended without a token' },
    ],
  ])('%s', (_, answer, expected) => expectTwoFailures(answer, expected));

  it('stalls in mid-stream', () =>
    expectTwoFailures(
      (response) => void stream(response).write(token()),
      { ...oneToken, error: 'timeout: no end within 500 ms (1 chunks came)' },
      500,
    ));

  it('never answers', () =>
    expectTwoFailures(() => undefined, { ...noToken, error: 'timeout: no end within 500 ms (0 chunks came)' }, 500));

  it('is reached too late: what timed out before it was sent is never sent', async () => {
    const stub = await startStub(answerThreeTokens);
    const load = start(planFor(stub.url, { requests: 2, requestTimeoutMs: 300 }));
    while (load.progress().sent === 0) await Promise.resolve();
    const blockedUntilMs = performance.now() + 350;
    while (performance.now() < blockedUntilMs);
    expect(await load.done).toMatchObject({ statusCounts: { timeout: 1, 200: 1 } });
    expect(stub.requests.map(({ id }) => id)).toEqual(['measure-7-1']);
  });

  it('reports an error with a character in two pieces', async () => {
    const error = Buffer.from(event({ error: 'over 5 €' })).toString('latin1');
    const cut = error.indexOf('\xe2') + 1;
    const url = await startRawStub(httpChunk(error.slice(0, cut)), httpChunk(error.slice(cut)));
    const load = start(planFor(url));
    await load.done;
    expect(load.rows).toMatchObject([{ ok: false, error: 'server_error: over 5 €' }]);
  });

  it('is not there at all', async () => {
    const load = start(planFor('http://127.0.0.1:1', { requests: 2, warmupRequests: 1 }));
    const summary = await load.done;
    const error = 'network: ECONNREFUSED connect ECONNREFUSED 127.0.0.1:1';
    expect(load.rows.map((row) => row.error)).toEqual([error, error]);
    expect(summary).toMatchObject({ completed: 0, failed: 2, statusCounts: { network: 2 } });
    expect(load.progress()).toMatchObject({
      warmupFinished: 1,
      warmupFailed: 1,
      streamedChunks: 0,
    });
  });

  it('fails some requests only: the others count', async () => {
    const stub = await startStub((response) => {
      if (stub.requests.length % 2 === 0) response.writeHead(503).end('busy');
      else answerThreeTokens(response);
    });
    const load = start(planFor(stub.url, { requests: 6 }));
    expect(await load.done).toMatchObject({
      completed: 3,
      failed: 3,
      totalInputTokens: 15,
      totalOutputTokens: 9,
      statusCounts: { 200: 3, 503: 3 },
    });
    expect(stub.connections).toHaveLength(1);
  });

  it('gives fewer tokens than asked: not a failure, the count tells', async () => {
    const stub = await startStub((response) => {
      stream(response).write(token(' a', 'stop'));
      response.end(usage(5, 1) + done);
    });
    const load = start(planFor(stub.url));
    await load.done;
    expect(load.rows).toMatchObject([{ ok: true, outputTokens: 1, tpotMs: null, itlMs: null }]);
  });

  it('ends with a token whose bytes make no text: the finish notice is when it came', async () => {
    const stub = await startStub((response) => void stream(response).end(token('', 'length') + usage(5, 1) + done));
    const load = start(planFor(stub.url, { outputTokens: 1 }));
    expect(await load.done).toMatchObject({ completed: 1, failed: 0, totalOutputTokens: 1 });
    expect(load.rows).toMatchObject([{ ok: true, ttftMs: ms, outputTokens: 1, tpotMs: null, itlsMs: [] }]);
  });

  it('ends after the finish_reason without [DONE]: all was said, so it counts', async () => {
    const stub = await startStub((response) => void stream(response).end(token(' a', 'length')));
    expect(await start(planFor(stub.url)).done).toMatchObject({ completed: 1, failed: 0 });
  });

  it('closes the connection instead of ending the body: all was said, so it counts', async () => {
    const stub = await startStub(
      (response) => void stream(response).write(token() + token(' a', 'stop') + done, () => response.socket?.destroy()),
    );
    const load = start(planFor(stub.url, { requests: 2 }));
    expect(await load.done).toMatchObject({ completed: 2, failed: 0 });
    expect(load.rows[0]).toMatchObject({ ok: true, e2elMs: ms, outputTokens: 2 });
  });
});

describe('an abort', () => {
  it('ends every request and connection and settles with what there was', async () => {
    const three = gate();
    const stub = await startStub((response) => {
      stream(response).write(token());
      if (stub.requests.length === 3) three.open();
    });
    const stop = new AbortController();
    const plan = planFor(stub.url, { arrival: { kind: 'closed', users: 3 }, requests: 9 });
    const load = start(plan, stop.signal);
    await three.opened;
    stop.abort();
    const summary = await load.done;
    expect(summary).toMatchObject({
      aborted: true,
      completed: 0,
      failed: 3,
      statusCounts: { aborted: 3 },
    });
    expect(load.rows.map(({ error }) => error)).toEqual(Array(3).fill('aborted: the load was stopped'));
    await Promise.all(stub.requests.map(({ closed }) => closed));
    expect(stub.requests).toHaveLength(3);
  });

  it('in the warm-up keeps the measured requests from starting', async () => {
    const one = gate();
    const stub = await startStub(() => one.open());
    const stop = new AbortController();
    const load = start(planFor(stub.url, { warmupRequests: 2 }), stop.signal);
    await one.opened;
    stop.abort();
    expect(await load.done).toMatchObject({ aborted: true, window: null, completed: 0, failed: 0 });
    expect(load.rows).toEqual([]);
    expect(load.warmups).toHaveLength(1);
  });

  it('before the start sends nothing', async () => {
    const stub = await startStub(answerThreeTokens);
    const load = start(planFor(stub.url, { warmupRequests: 2 }), AbortSignal.abort());
    expect(await load.done).toMatchObject({ aborted: true, window: null });
    expect(stub.requests).toEqual([]);
  });

  it('stops an open loop that waits for its next arrival', async () => {
    const first = gate();
    const stub = await startStub((response) => {
      answerThreeTokens(response);
      first.open();
    });
    const stop = new AbortController();
    const arrival = {
      kind: 'open',
      requestRatePerSec: 1e-3,
      burstiness: 1,
      maxConcurrency: 1,
    } as const;
    const load = start(planFor(stub.url, { arrival, requests: 2 }), stop.signal);
    await first.opened;
    stop.abort();
    expect((await load.done).aborted).toBe(true);
  });
});

describe('startLoad', () => {
  it('refuses a plan that cannot be run', () => {
    expect(() => start(planFor('nowhere'))).toThrow('load plan: baseUrl must be an http(s) address (nowhere)');
  });

  it('passes an error of its receiver on, after all sockets are closed', async () => {
    const stub = await startStub((response) => {
      if (stub.requests.length === 1) answerThreeTokens(response);
      else stream(response).write(token());
    });
    const plan = planFor(stub.url, { arrival: { kind: 'closed', users: 2 }, requests: 9 });
    const broken = new Error('disk full');
    const load = startLoad(plan, {
      role: 'server',
      host: 'n1',
      onSample: () => {
        throw broken;
      },
    });
    await expect(load.done).rejects.toBe(broken);
    await Promise.all(stub.requests.map(({ closed }) => closed));
  });
});
