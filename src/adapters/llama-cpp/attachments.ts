import { join } from 'node:path';
import { z } from 'zod';
import { RUN_FILES } from '../../evidence/run-folder.ts';
import type { RunWriter } from '../../evidence/run-writer.ts';
import { readJsonArtifact } from '../../lifecycle/artifact.ts';
import type { LoadSummary } from '../shared/load-tally.ts';
import type { MetricSample } from '../shared/metrics-scrape.ts';
import type { ServerProps } from './props.ts';

const SERVER_FILE = 'llama-cpp-server.json';
const LOAD_FILE = 'llama-cpp-load.json';

const measured = z.number().nullable();

/** Props of the server; `versions` per program. */
const serverSchema = z.object({
  schema_version: z.literal('1'),
  slots: z.number(),
  /** Tokens. */
  context_per_slot: measured,
  threads: measured,
  backend: z.string(),
  vocabulary_size: z.number(),
  versions: z.record(z.string(), z.string()),
});

/** Times are milliseconds; counts are of measured requests, but for the warm-up's own. */
const loadSchema = z.object({
  schema_version: z.literal('1'),
  aborted: z.boolean(),
  window: z.object({ started_at_ms: z.number(), ended_at_ms: z.number(), duration_ms: z.number() }).nullable(),
  completed: z.number(),
  failed: z.number(),
  input_tokens: measured,
  output_tokens: z.number(),
  warmup_output_tokens: z.number(),
  /** By HTTP status, or by the kind of failure where the status does not tell. */
  requests_by_status: z.record(z.string(), z.number()),
  peak_in_flight: z.number(),
  lateness_ms: z.object({ p50: z.number(), p99: z.number(), max: z.number() }).nullable(),
  client_event_loop_delay_max_ms: z.number(),
  /** How much the counters of the server grew over the load; a value is null where it was no finite number. */
  server_counters: z
    .array(z.object({ name: z.string(), labels: z.record(z.string(), z.string()), value: measured }))
    .nullable(),
});

/** What the server said of itself, as it stands in the run directory. */
export type ServerAttachment = z.output<typeof serverSchema>;

/** What the load came to, as it stands in the run directory. */
export type LoadAttachment = z.output<typeof loadSchema>;

/** What the load came to, as the client and as the server saw it. */
export interface LoadOutcome {
  readonly summary: LoadSummary;
  /** Output tokens of the warm-up requests: the server counts them, our figures do not. */
  readonly warmupOutputTokens: number;
  /** How much the server's own counters grew; null when it publishes none. */
  readonly serverCounters: readonly MetricSample[] | null;
}

/** Keeps what the server said of itself: once it is gone, nobody can ask it again. */
export function keepServer(writer: Pick<RunWriter, 'attach'>, props: ServerProps): void {
  const attachment: ServerAttachment = {
    schema_version: '1',
    slots: props.slots,
    context_per_slot: props.contextPerSlot,
    threads: props.threads,
    backend: props.backend,
    vocabulary_size: props.vocabularySize,
    versions: { ...props.versions },
  };
  writer.attach(SERVER_FILE, textOf(attachment));
}

/** Keeps what the load came to, beside the rows of its requests. */
export function keepLoad(writer: Pick<RunWriter, 'attach'>, outcome: LoadOutcome): void {
  const { summary, warmupOutputTokens, serverCounters } = outcome;
  const { window, lateness } = summary;
  const attachment: LoadAttachment = {
    schema_version: '1',
    aborted: summary.aborted,
    window: window && { started_at_ms: window.startMs, ended_at_ms: window.endMs, duration_ms: window.durationMs },
    completed: summary.completed,
    failed: summary.failed,
    input_tokens: summary.totalInputTokens,
    output_tokens: summary.totalOutputTokens,
    warmup_output_tokens: warmupOutputTokens,
    requests_by_status: { ...summary.statusCounts },
    peak_in_flight: summary.peakInFlight,
    lateness_ms: lateness && { p50: lateness.p50Ms, p99: lateness.p99Ms, max: lateness.maxMs },
    client_event_loop_delay_max_ms: summary.eventLoopDelayMaxMs,
    server_counters: serverCounters?.map((sample) => ({ ...sample, labels: { ...sample.labels } })) ?? null,
  };
  writer.attach(LOAD_FILE, textOf(attachment));
}

/** Reads what the server said of itself. Rejects with a parse_failure when it is not there as it was written. */
export function readServer(folder: string): Promise<ServerAttachment> {
  return readJsonArtifact(join(folder, RUN_FILES.attachments, SERVER_FILE), serverSchema);
}

/** Reads what the load came to. Rejects with a parse_failure when it is not there as it was written. */
export function readLoad(folder: string): Promise<LoadAttachment> {
  return readJsonArtifact(join(folder, RUN_FILES.attachments, LOAD_FILE), loadSchema);
}

function textOf(attachment: ServerAttachment | LoadAttachment): string {
  return `${JSON.stringify(attachment, null, 2)}\n`;
}
