import { describe, expect, it } from 'vitest';
import { planVllm } from '../../../../src/adapters/vllm/launch.ts';
import { planOwnLoad } from '../../../../src/adapters/vllm/own-load.ts';
import { parseVllm } from '../../../../src/adapters/vllm/parse.ts';
import { requestOf, runWith } from '../shared/program-probe.ts';

const PARAMS = { load_client: 'assay', concurrency: 4, isl: 64, osl: 8 };
const planOf = (params: object, cellId = 'a') => {
  const request = requestOf({ params: { ...PARAMS, ...params }, hosts: { server: ['n0'] } });
  return planOwnLoad({ cell: { ...request.cell, cellId } }, 'http://s:8000', 'tiny');
};

describe('the load of our own client', () => {
  it('is the same request by request as the config asks for', () => {
    expect(planOf({ num_prompts: 9, num_warmups: 2, request_timeout_s: 60 })).toMatchObject({
      baseUrl: 'http://s:8000',
      model: 'tiny',
      endpoint: 'completions',
      arrival: { kind: 'closed', users: 4 },
      requests: 9,
      warmupRequests: 2,
      inputTokens: 64,
      outputTokens: 8,
      requestTimeoutMs: 60_000,
    });
    expect(planOf({}).seed).toBe(planOf({}).seed);
    expect(planOf({}).seed).not.toBe(planOf({}, 'b').seed);
  });

  it.each([
    [{ request_rate: 'inf' }, { kind: 'closed', users: 4 }],
    [{ request_rate: 5 }, { kind: 'open', requestRatePerSec: 5, burstiness: 1, maxConcurrency: 4 }],
  ])('arrives as asked: %o', (params, arrival) => {
    expect(planOf(params).arrival).toEqual(arrival);
  });

  it('asks for chats where that is meant', () => {
    expect(planOf({ bench_backend: 'openai-chat' }).endpoint).toBe('chat');
  });

  it('needs no program beside the server', () => {
    const plan = planVllm(requestOf({ params: PARAMS, hosts: { server: ['n0'] } }), '/tmp/run');
    expect([plan.workers, plan.results, typeof plan.drive]).toEqual([[], [], 'function']);
  });
});

describe('what it left', () => {
  const kept = (fields: object) =>
    JSON.stringify({
      schema_version: '1',
      window: { started_at_ms: 1000, duration_ms: 500 },
      output_tokens: 80,
      warmup_output_tokens: 16,
      failed: 0,
      requests_by_status: { 200: 10 },
      peak_in_flight: 4,
      lateness_p99_ms: null,
      client_event_loop_delay_max_ms: 3,
      ...fields,
    });
  const read = (fields: object) => {
    const run = { params: PARAMS, bindings: { server: ['n0'] } };
    return parseVllm(runWith({ 'attachments/vllm-load.json': kept(fields) }, run).context);
  };

  it('is read again: its rows are there', async () => {
    expect(await read({})).toMatchObject({
      startedAtMs: 1000,
      durationMs: 500,
      scalars: { client_output_tokens: 96, http_5xx: 0, peak_in_flight: 4, lateness_p99_ms: null },
    });
  });

  it('counts errors of the server alone, and no tokens where some failed', async () => {
    const { scalars } = await read({ failed: 5, requests_by_status: { 200: 5, 500: 2, 503: 1, 404: 1, timeout: 1 } });
    expect(scalars).toMatchObject({ http_5xx: 3, client_output_tokens: null });
  });
});
