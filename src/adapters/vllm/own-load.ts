import type { ReadyRole, RunContext, RunRequest } from '../../lifecycle/adapter.ts';
import type { Arrival, LoadPlan } from '../shared/load-plan.ts';
import type { Drive } from '../shared/program.ts';
import { promptSeed } from '../shared/prompt-seed.ts';
import { driveLoad } from '../shared/serving-drive.ts';
import { keepLoad } from '../shared/serving-load.ts';
import { judgeServing } from '../shared/serving-progress.ts';
import { vllmParams } from './params.ts';
import type { VllmParams } from './params.ts';

/** What our own load client came to, among the attachments. */
export const LOAD_FILE = 'vllm-load.json';

/** Tokens of plain text in the vocabulary of every model: the special ones are below or far above. */
const PLAIN_TOKENS = { firstTokenId: 1000, size: 30_000 };
/** As long as vLLM's own client waits. */
const LONGEST_REQUEST_S = 6 * 3600;

/** What our client sends to the endpoint. */
export function planOwnLoad({ cell }: Pick<RunRequest, 'cell'>, baseUrl: string, model: string): LoadPlan {
  const params = vllmParams.parse(cell.params);
  const { isl, osl } = params;
  if (isl === undefined || osl === undefined) throw new Error('made-up prompts without lengths');
  return {
    baseUrl,
    model,
    endpoint: params.bench_backend === 'openai-chat' ? 'chat' : 'completions',
    arrival: arrivalOf(params),
    requests: params.num_prompts,
    warmupRequests: params.num_warmups ?? 0,
    inputTokens: isl,
    outputTokens: osl,
    vocabulary: PLAIN_TOKENS,
    seed: promptSeed(cell),
    requestTimeoutMs: (params.request_timeout_s ?? LONGEST_REQUEST_S) * 1000,
  };
}

function arrivalOf({ concurrency, request_rate: rate, burstiness }: VllmParams): Arrival {
  if (concurrency !== undefined && (rate === undefined || rate === 'inf'))
    return { kind: 'closed', users: concurrency };
  const requestRatePerSec = typeof rate === 'number' ? rate : Infinity;
  return { kind: 'open', requestRatePerSec, burstiness, maxConcurrency: concurrency ?? null };
}

/** Sends the load to the server, records every request, and keeps what it came to. */
export function driveOwnLoad(
  context: RunContext,
  server: ReadyRole,
  options: { readonly model: string; readonly signal: AbortSignal },
): Drive {
  const { writer, request } = context;
  const { signal, model } = options;
  const load = driveLoad(context, server, { plan: planOwnLoad(request, server.url ?? '', model), signal });
  const done = load.done.then((driven) => {
    // What was cut off has no result, and its run directory may be complete by now.
    if (signal.aborted) return;
    const { completed, failed } = driven.summary;
    writer.events.record('arrival.end', { completed, failed });
    keepLoad(writer, LOAD_FILE, driven);
  });
  return { status: () => running(judgeServing(server, load.progress())), done };
}

// Whether it is done is told by its end.
function running(status: ReturnType<typeof judgeServing>): ReturnType<Drive['status']> {
  if (status.state === 'done') throw new Error('a load does not say by its progress that it is done');
  return status;
}
