import type { Cell } from '../../config/cell.ts';
import { hashOf } from '../../core/hash.ts';
import type { RunContext } from '../../lifecycle/adapter.ts';
import type { Arrival, LoadPlan } from '../shared/load-plan.ts';
import type { LoadProgress } from '../shared/load-tally.ts';
import { counterIncreases, scrapeMetrics } from '../shared/metrics-scrape.ts';
import type { MetricSample } from '../shared/metrics-scrape.ts';
import { watchQueue } from '../shared/queue-watch.ts';
import { driveLoad } from '../shared/serving-drive.ts';
import { keepLoad } from './attachments.ts';
import type { Serving } from './props.ts';
import { llamaCppParams } from './params.ts';
import type { LlamaCppParams } from './params.ts';

/** Tokens 0 to 2 are unknown, begin and end of text in every llama vocabulary. */
const FIRST_PLAIN_TOKEN = 3;
const SCRAPE_TIMEOUT_MS = 5000;

/** Sends the cell's load to the server, records every request and the server's queue, and keeps what it came to. */
export function runLoad(
  context: RunContext,
  serving: Serving,
  signal: AbortSignal,
): { readonly progress: () => LoadProgress; readonly done: Promise<void> } {
  const { writer, request } = context;
  const { role, host } = serving.launched;
  const plan = planLoad(request.cell, llamaCppParams.parse(request.cell.params), serving);
  const before = scrapeCounters(serving.baseUrl);
  const queue = watchQueue(serving.baseUrl, (reading) =>
    writer.point({ ...reading, tsMs: Date.now(), role, host, rank: null }),
  );
  const load = driveLoad(context, serving.launched, { plan, signal });
  const finish = async (): Promise<void> => {
    const { summary, warmupOutputTokens } = await load.done.finally(() => queue.stop());
    const { completed, failed } = summary;
    writer.events.record('arrival.end', { completed, failed });
    const [start, end] = [await before, await scrapeCounters(serving.baseUrl)];
    const serverCounters = start === null || end === null ? null : counterIncreases(start, end);
    // What was cut off has no result, and its run directory may be complete by now.
    if (signal.aborted) return;
    keepLoad(writer, { summary, warmupOutputTokens, serverCounters });
  };
  return { progress: load.progress, done: finish() };
}

function planLoad(cell: Cell, params: LlamaCppParams, { baseUrl, props }: Serving): LoadPlan {
  return {
    baseUrl,
    model: cell.workload.model.id,
    endpoint: params.endpoint,
    arrival: arrivalOf(params),
    requests: params.num_prompts,
    warmupRequests: params.num_warmups,
    inputTokens: params.isl,
    outputTokens: params.osl,
    vocabulary: { firstTokenId: FIRST_PLAIN_TOKEN, size: props.vocabularySize },
    // Equal prompts in two cells would let a prefix cache answer the second one.
    seed: Number.parseInt(hashOf([cell.workload.seed, cell.cellId]).slice(-12), 16),
    requestTimeoutMs: params.request_timeout_s * 1000,
  };
}

function arrivalOf({ concurrency, request_rate: rate, burstiness }: LlamaCppParams): Arrival {
  if (rate === undefined) return { kind: 'closed', users: concurrency ?? 1 };
  return { kind: 'open', requestRatePerSec: rate, burstiness, maxConcurrency: null };
}

// Counters are the server's second opinion: a server without them is no reason to fail.
async function scrapeCounters(baseUrl: string): Promise<readonly MetricSample[] | null> {
  return scrapeMetrics(`${baseUrl}/metrics`, { timeoutMs: SCRAPE_TIMEOUT_MS }).catch(() => null);
}
