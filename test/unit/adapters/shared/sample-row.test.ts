import { describe, expect, it } from 'vitest';
import type { RequestOutcome } from '../../../../src/adapters/shared/exchange.ts';
import { toSampleRow } from '../../../../src/adapters/shared/sample-row.ts';
import { planFor } from './openai-stub.ts';

const complete: RequestOutcome = {
  sentMs: 1002,
  endedMs: 1100,
  tokenChunksMs: [1032, 1048, 1048, 1080],
  finishMs: 1080,
  usage: { inputTokens: 6, outputTokens: 7 },
  status: 200,
  failure: null,
};

const context = {
  plan: planFor('http://server'),
  requestId: 'measure-7-0',
  scheduledMs: 1000,
  role: 'server',
  host: 'n1',
};

const row = {
  requestId: 'measure-7-0',
  tsMs: performance.timeOrigin + 1000,
  ttftMs: 32,
  tpotMs: 8,
  itlMs: 16,
  e2elMs: 100,
  inputTokens: 6,
  outputTokens: 7,
  role: 'server',
  host: 'n1',
  ok: true,
  error: null,
  latenessMs: 2,
  itlsMs: [16, 0, 32],
};

describe('toSampleRow', () => {
  it('measures an open loop from the scheduled arrival, and time per token over tokens, not chunks', () => {
    expect(toSampleRow(complete, context)).toEqual(row);
  });

  it('measures a closed loop from the send', () => {
    expect(toSampleRow(complete, { ...context, scheduledMs: null })).toEqual({
      ...row,
      tsMs: performance.timeOrigin + 1002,
      ttftMs: 30,
      e2elMs: 98,
      latenessMs: null,
    });
  });

  it('counts chunks, and the prompt it sent, when the server reports no usage', () => {
    const counted = { ...row, inputTokens: 5, outputTokens: 4, tpotMs: 16 };
    expect(toSampleRow({ ...complete, usage: null }, context)).toEqual(counted);
    const chat = { ...context, plan: { ...context.plan, endpoint: 'chat' as const } };
    expect(toSampleRow({ ...complete, usage: null }, chat)).toEqual({
      ...counted,
      inputTokens: null,
    });
  });

  it('takes the last token to have come with the finish notice where the chunks are fewer than the tokens', () => {
    // 6 tokens after the first, the last of them without a text: 60 ms.
    expect(toSampleRow({ ...complete, finishMs: 1092 }, context)).toEqual({ ...row, tpotMs: 10 });
    // All 4 tokens had chunks of their own: what comes after them is no token.
    const counted = { ...complete, usage: { inputTokens: 6, outputTokens: 4 }, finishMs: 1092 };
    expect(toSampleRow(counted, context)).toEqual({ ...row, outputTokens: 4, tpotMs: 16 });
  });

  it('has no time between tokens when one chunk brought them all', () => {
    expect(toSampleRow({ ...complete, tokenChunksMs: [1032] }, context)).toEqual({
      ...row,
      tpotMs: null,
      itlMs: null,
      itlsMs: [],
    });
  });

  it('keeps what was seen of a failed request, but gives it no latency', () => {
    const failure = { kind: 'network', message: 'ECONNRESET' } as const;
    expect(toSampleRow({ ...complete, usage: null, failure }, context)).toEqual({
      ...row,
      tpotMs: null,
      e2elMs: null,
      inputTokens: 5,
      outputTokens: 4,
      ok: false,
      error: 'network: ECONNRESET',
    });
  });

  it('leaves what was never measured null', () => {
    const failure = { kind: 'http', message: '429: slow down' } as const;
    const refused = { ...complete, tokenChunksMs: [], finishMs: null, usage: null, status: 429, failure };
    expect(toSampleRow(refused, context)).toEqual({
      ...row,
      ttftMs: null,
      tpotMs: null,
      itlMs: null,
      e2elMs: null,
      inputTokens: 5,
      outputTokens: 0,
      ok: false,
      error: 'http: 429: slow down',
      itlsMs: [],
    });
  });
});
