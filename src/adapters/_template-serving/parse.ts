import { join } from 'node:path';
import { z } from 'zod';
import { RUN_FILES } from '../../evidence/run-folder.ts';
import { readJsonArtifact } from '../../lifecycle/artifact.ts';
import type { ParseContext, WorkloadResult } from '../../lifecycle/adapter.ts';
import { RESULT } from './launch.ts';

const seconds = z.number().nullable();

/** What the client writes; times are seconds, moments those since the Unix epoch. */
const resultSchema = z.object({
  started_at: z.number(),
  duration: z.number(),
  requests: z.array(
    z.object({
      sent_at: z.number(),
      ttft: seconds,
      latency: seconds,
      output_tokens: z.number().nullable(),
      error: z.string().nullable(),
    }),
  ),
});

/** Reads what the client left: a row for each request. Counts, rates and percentiles are made of the rows. */
export async function parseToyServing({ folder, run, writer }: ParseContext): Promise<WorkloadResult> {
  const result = await readJsonArtifact(join(folder, RUN_FILES.attachments, RESULT), resultSchema);
  const place = { role: 'server', host: run.bindings['server']?.[0] ?? 'unknown' };
  result.requests.forEach(({ sent_at, ttft, latency, output_tokens, error }, index) =>
    writer.sample({
      ...place,
      requestId: String(index),
      tsMs: sent_at * 1000,
      ttftMs: inMs(ttft),
      e2elMs: inMs(latency),
      outputTokens: output_tokens,
      ok: error === null,
      error,
      // The client does not measure these: null, and an empty list of gaps.
      tpotMs: null,
      itlMs: null,
      itlsMs: [],
      inputTokens: null,
      latenessMs: null,
    }),
  );
  const window = { startedAtMs: result.started_at * 1000, durationMs: result.duration * 1000 };
  return { ...window, scalars: {}, applied: {}, frameworkVersions: {} };
}

function inMs(time: number | null): number | null {
  return time === null ? null : time * 1000;
}
