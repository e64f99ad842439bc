import { z } from 'zod';
import type { RunWriter } from '../../evidence/run-writer.ts';
import { readJsonArtifact } from '../../lifecycle/artifact.ts';
import type { WorkloadResult } from '../../lifecycle/adapter.ts';
import type { DrivenLoad } from './serving-drive.ts';

const measured = z.number().nullable();

/** Times are milliseconds; counts are of measured requests, but for the warm-up's own. */
const loadSchema = z.object({
  schema_version: z.literal('1'),
  window: z.object({ started_at_ms: z.number(), duration_ms: z.number() }).nullable(),
  output_tokens: z.number(),
  warmup_output_tokens: z.number(),
  failed: z.number(),
  /** By HTTP status, or by the kind of failure where the status does not tell. */
  requests_by_status: z.record(z.string(), z.number()),
  peak_in_flight: z.number(),
  lateness_p99_ms: measured,
  client_event_loop_delay_max_ms: z.number(),
});

/** What a load of our own client came to, as it stands in the run directory. */
export type KeptLoad = z.output<typeof loadSchema>;

/** Keeps what a load came to, beside the rows of its requests: `attachments/<name>`. */
export function keepLoad(
  writer: Pick<RunWriter, 'attach'>,
  name: string,
  { summary, warmupOutputTokens }: DrivenLoad,
): void {
  const { window, lateness } = summary;
  const kept: KeptLoad = {
    schema_version: '1',
    window: window && { started_at_ms: window.startMs, duration_ms: window.durationMs },
    output_tokens: summary.totalOutputTokens,
    warmup_output_tokens: warmupOutputTokens,
    failed: summary.failed,
    requests_by_status: { ...summary.statusCounts },
    peak_in_flight: summary.peakInFlight,
    lateness_p99_ms: lateness?.p99Ms ?? null,
    client_event_loop_delay_max_ms: summary.eventLoopDelayMaxMs,
  };
  writer.attach(name, `${JSON.stringify(kept, null, 2)}\n`);
}

/** Reads what a load came to. Rejects with a parse_failure when it is not there as it was written. */
export function readKeptLoad(path: string): Promise<KeptLoad> {
  return readJsonArtifact(path, loadSchema);
}

/** The figures of a load that its rows do not say. */
export function loadFigures(load: KeptLoad): WorkloadResult['scalars'] {
  const errors = Object.entries(load.requests_by_status).filter(([status]) => /^5\d\d$/.test(status));
  return {
    http_5xx: errors.reduce((sum, [, count]) => sum + count, 0),
    peak_in_flight: load.peak_in_flight,
    lateness_p99_ms: load.lateness_p99_ms,
    client_event_loop_delay_max_ms: load.client_event_loop_delay_max_ms,
    // What a failed request got before it failed, nobody knows.
    client_output_tokens: load.failed === 0 ? load.output_tokens + load.warmup_output_tokens : null,
  };
}
