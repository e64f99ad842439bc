import { mkdirSync, mkdtempSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LlamaCppAdapter } from '../../../../src/adapters/llama-cpp/adapter.ts';
import { keepLoad, keepServer } from '../../../../src/adapters/llama-cpp/attachments.ts';
import type { LoadOutcome } from '../../../../src/adapters/llama-cpp/attachments.ts';
import type { ParseContext, WorkloadResult } from '../../../../src/lifecycle/adapter.ts';

const PROPS = {
  slots: 4,
  contextPerSlot: 64,
  threads: 2,
  backend: 'node-llama-cpp',
  vocabularySize: 259,
  versions: { 'node-llama-cpp': '3.0.0', 'llama.cpp': 'b1' },
};

const OUTCOME: LoadOutcome = {
  summary: {
    aborted: false,
    window: { startMs: 1_700_000_000_000.125, endMs: 1_700_000_001_000.625, durationMs: 1000.5 },
    completed: 9,
    failed: 3,
    totalInputTokens: null,
    totalOutputTokens: 36,
    statusCounts: { 200: 9, 500: 1, 503: 1, timeout: 1 },
    peakInFlight: 2,
    lateness: { p50Ms: 0.1, p99Ms: 1 / 3, maxMs: 2 },
    eventLoopDelayMaxMs: 4.5,
  },
  warmupOutputTokens: 8,
  serverCounters: [
    { name: 'vllm:generation_tokens_total', labels: { slot: '0' }, value: 20 },
    { name: 'vllm:generation_tokens_total', labels: { slot: '1' }, value: 24 },
  ],
};

/** A run directory with what the adapter leaves there. */
function left(outcome = OUTCOME): string {
  const folder = mkdtempSync(join(tmpdir(), 'assay-llama-'));
  mkdirSync(join(folder, 'attachments'));
  const attach = (name: string, content: string): void => writeFileSync(join(folder, 'attachments', name), content);
  keepServer({ attach }, PROPS);
  keepLoad({ attach }, outcome);
  return folder;
}

/** What an adapter reads that has seen no other phase. */
function parse(folder: string): Promise<WorkloadResult> {
  const params = { isl: 8, osl: 4, num_prompts: 12, max_model_length: 128, concurrency: 2, threads: 3 };
  const context = { folder, run: { params, knobs: {} } } as unknown as ParseContext;
  return new LlamaCppAdapter().parse(context);
}

describe('what a llama_cpp run leaves', () => {
  it('is read by a fresh adapter, to the last bit', async () => {
    expect(await parse(left())).toEqual({
      scalars: {
        http_5xx: 2,
        peak_in_flight: 2,
        lateness_p99_ms: 1 / 3,
        client_event_loop_delay_max_ms: 4.5,
        client_output_tokens: 44,
        server_output_tokens: 44,
      },
      applied: {
        backend: { asked: 'node-llama-cpp', applied: 'node-llama-cpp' },
        parallel_slots: { asked: 4, applied: 4 },
        max_model_length: { asked: 128, applied: 64 },
        threads: { asked: 3, applied: 2 },
      },
      frameworkVersions: PROPS.versions,
      startedAtMs: 1_700_000_000_000.125,
      durationMs: 1000.5,
    });
  });

  it('says null of what was not measured', async () => {
    const summary = { ...OUTCOME.summary, window: null, lateness: null };
    const { scalars, startedAtMs, durationMs } = await parse(left({ ...OUTCOME, summary, serverCounters: null }));
    expect(scalars).toMatchObject({ lateness_p99_ms: null, server_output_tokens: null });
    expect([startedAtMs, durationMs]).toEqual([null, null]);
    const [counter] = OUTCOME.serverCounters!;
    const infinite = await parse(left({ ...OUTCOME, serverCounters: [{ ...counter!, value: Infinity }] }));
    expect(infinite.scalars['server_output_tokens']).toBeNull();
  });

  it('is refused wherever it is cut short', async () => {
    const folder = left();
    const names = readdirSync(join(folder, 'attachments'));
    expect(names).toEqual(['llama-cpp-load.json', 'llama-cpp-server.json']);
    for (const name of names) {
      const path = join(folder, 'attachments', name);
      const whole = readFileSync(path);
      // All but the line end at the end.
      for (let bytes = 0; bytes < whole.length - 1; bytes += 7) {
        truncateSync(path, bytes);
        await expect(parse(folder)).rejects.toMatchObject({ category: 'parse_failure' });
        writeFileSync(path, whole);
      }
    }
    await expect(parse(folder)).resolves.toBeDefined();
  });

  it('is refused when another version of the file is there', async () => {
    const folder = left();
    const path = join(folder, 'attachments', 'llama-cpp-load.json');
    writeFileSync(path, readFileSync(path, 'utf8').replace('"schema_version": "1"', '"schema_version": "2"'));
    await expect(parse(folder)).rejects.toMatchObject({
      category: 'parse_failure',
      message: expect.stringContaining('schema_version'),
    });
  });
});
