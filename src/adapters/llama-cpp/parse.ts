import type { ParseContext, WorkloadResult } from '../../lifecycle/adapter.ts';
import { readLoad, readServer } from './attachments.ts';
import type { LoadAttachment, ServerAttachment } from './attachments.ts';
import { llamaCppParams } from './params.ts';

/** What a run left of itself. */
interface Kept {
  readonly server: ServerAttachment;
  readonly load: LoadAttachment;
}

/** Reads what was kept of the server and of the load; the requests themselves were captured while they ran. */
export async function parseLlamaCpp({ folder, run }: ParseContext): Promise<WorkloadResult> {
  return resultOf(run, { server: await readServer(folder), load: await readLoad(folder) });
}

/** The figures of a finished load, and what was asked of the server beside what it says is in force. */
function resultOf(
  { params, knobs }: Pick<ParseContext['run'], 'params' | 'knobs'>,
  { server, load }: Kept,
): WorkloadResult {
  const { max_model_length: context, parallel_slots: slots, threads } = llamaCppParams.parse(params);
  return {
    scalars: {
      http_5xx: countServerErrors(load.requests_by_status),
      peak_in_flight: load.peak_in_flight,
      lateness_p99_ms: load.lateness_ms?.p99 ?? null,
      client_event_loop_delay_max_ms: load.client_event_loop_delay_max_ms,
      client_output_tokens: load.output_tokens + load.warmup_output_tokens,
      server_output_tokens: counter(load.server_counters, 'vllm:generation_tokens_total'),
    },
    applied: {
      backend: { asked: knobs['backend'] ?? 'node-llama-cpp', applied: server.backend },
      parallel_slots: { asked: slots, applied: server.slots },
      max_model_length: { asked: context, applied: server.context_per_slot },
      threads: { asked: threads, applied: server.threads },
    },
    frameworkVersions: server.versions,
    startedAtMs: load.window?.started_at_ms ?? null,
    durationMs: load.window?.duration_ms ?? null,
  };
}

function countServerErrors(requestsByStatus: Readonly<Record<string, number>>): number {
  const errors = Object.entries(requestsByStatus).filter(([status]) => /^5\d\d$/.test(status));
  return errors.reduce((sum, [, count]) => sum + count, 0);
}

function counter(samples: LoadAttachment['server_counters'], name: string): number | null {
  const values = samples?.filter((sample) => sample.name === name).map((sample) => sample.value) ?? [];
  if (values.length === 0) return null;
  return values.reduce((sum, value) => (sum === null || value === null ? null : sum + value), 0);
}
