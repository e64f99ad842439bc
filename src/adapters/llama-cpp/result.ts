import type { Cell } from '../../config/cell.ts';
import type { WorkloadResult } from '../../lifecycle/adapter.ts';
import type { MetricSample } from '../shared/metrics-scrape.ts';
import type { Serving } from './props.ts';
import type { LoadOutcome } from './load.ts';
import { llamaCppParams } from './params.ts';

/** The figures of a finished load, and what was asked of the server beside what it says is in force. */
export function resultOf(cell: Cell, { props }: Serving, outcome: LoadOutcome): WorkloadResult {
  const { summary, serverCounters, warmupOutputTokens } = outcome;
  const { max_model_length: context, parallel_slots: slots, threads } = llamaCppParams.parse(cell.params);
  return {
    scalars: {
      http_5xx: countServerErrors(summary.statusCounts),
      peak_in_flight: summary.peakInFlight,
      lateness_p99_ms: summary.lateness?.p99Ms ?? null,
      client_event_loop_delay_max_ms: summary.eventLoopDelayMaxMs,
      client_output_tokens: summary.totalOutputTokens + warmupOutputTokens,
      server_output_tokens: counter(serverCounters, 'vllm:generation_tokens_total'),
    },
    applied: {
      backend: { asked: cell.workload.knobs['backend'] ?? 'node-llama-cpp', applied: props.backend },
      parallel_slots: { asked: slots, applied: props.slots },
      max_model_length: { asked: context, applied: props.contextPerSlot },
      threads: { asked: threads, applied: props.threads },
    },
    frameworkVersions: props.versions,
    startedAtMs: summary.window?.startMs ?? null,
    durationMs: summary.window?.durationMs ?? null,
  };
}

function countServerErrors(statusCounts: Readonly<Record<string, number>>): number {
  const errors = Object.entries(statusCounts).filter(([status]) => /^5\d\d$/.test(status));
  return errors.reduce((sum, [, count]) => sum + count, 0);
}

function counter(samples: readonly MetricSample[] | null, name: string): number | null {
  const values = samples?.filter((sample) => sample.name === name).map((sample) => sample.value) ?? [];
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0);
}
