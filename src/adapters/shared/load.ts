import type { SampleRow } from '../../evidence/tables/samples.ts';
import { runArrivals } from './arrivals.ts';
import type { RequestOutcome } from './exchange.ts';
import type { LoadPlan } from './load-plan.ts';
import { checkLoadPlan } from './load-plan.ts';
import type { LoadProgress, LoadSummary } from './load-tally.ts';
import { LoadTally } from './load-tally.ts';
import type { OpenAiClient } from './openai-client.ts';
import { createOpenAiClient, requestBody } from './openai-client.ts';
import { prepareAhead } from './prepare-ahead.ts';
import { createRandom } from './random.ts';
import { toSampleRow } from './sample-row.ts';

interface LoadOptions {
  /** The role and host the rows are about: those of the server. */
  readonly role: string;
  readonly host: string;
  /** Gets every measured request once, when it ends. */
  readonly onSample: (row: SampleRow) => void;
  /** Gets every warm-up request; they are never part of the samples. */
  readonly onWarmupSample?: (row: SampleRow) => void;
  /** Aborting it ends all requests at once, as rows that failed with `aborted`. */
  readonly signal?: AbortSignal;
}

/** A load under way. */
export interface LoadRun {
  /** Where it stands now. */
  progress(): LoadProgress;
  /** Settles when all sockets are closed. Failed requests and an abort are part of the summary. */
  readonly done: Promise<LoadSummary>;
}

/** Starts the warm-up of the plan and then its measured requests. Throws at once when the plan is wrong. */
export function startLoad(plan: LoadPlan, options: LoadOptions): LoadRun {
  checkLoadPlan(plan);
  const tally = new LoadTally(plan.requests);
  return { progress: () => tally.progress(), done: runLoad({ plan, options, tally }) };
}

interface Load {
  readonly plan: LoadPlan;
  readonly options: LoadOptions;
  readonly tally: LoadTally;
}

async function runLoad(load: Load): Promise<LoadSummary> {
  const { plan, options, tally } = load;
  const client = createOpenAiClient(plan, {
    connections: connectionsOf(plan),
    onTokenChunk: () => tally.countChunk(),
  });
  const stop = new AbortController();
  stop.signal.addEventListener('abort', () => client.abort('the load was stopped'), { once: true });
  const forwardAbort = (): void => stop.abort();
  options.signal?.addEventListener('abort', forwardAbort, { once: true });
  if (options.signal?.aborted) stop.abort();
  try {
    await runPhase(warmupOf(load), { ...load, client, stop });
    tally.startMeasuring();
    await runPhase(measureOf(load), { ...load, client, stop });
  } finally {
    options.signal?.removeEventListener('abort', forwardAbort);
    await client.close();
    tally.stop();
  }
  return tally.summary(stop.signal.aborted);
}

interface Phase {
  readonly name: string;
  readonly count: number;
  /** Index of the phase's first request among all requests: no two of them share a prompt. */
  readonly firstIndex: number;
  readonly onSent: () => void;
  readonly onRow: (row: SampleRow, outcome: RequestOutcome) => void;
}

function warmupOf({ plan, options, tally }: Load): Phase {
  return {
    name: 'warmup',
    count: plan.warmupRequests,
    firstIndex: 0,
    onSent: () => undefined,
    onRow: (row) => {
      tally.countWarmup(row);
      options.onWarmupSample?.(row);
    },
  };
}

function measureOf({ plan, options, tally }: Load): Phase {
  return {
    name: 'measure',
    count: plan.requests,
    firstIndex: plan.warmupRequests,
    onSent: () => tally.countSent(),
    onRow: (row, outcome) => {
      tally.countFinished(row, outcome);
      options.onSample(row);
    },
  };
}

interface Running extends Load {
  readonly client: OpenAiClient;
  readonly stop: AbortController;
}

async function runPhase(phase: Phase, { plan, options, client, stop }: Running): Promise<void> {
  if (stop.signal.aborted) return;
  const broken: unknown[] = [];
  const prepared = prepareAhead({
    count: phase.count,
    ahead: requestsAhead(plan),
    prepare: (index) => ({
      id: `${phase.name}-${plan.seed}-${index}`,
      body: requestBody(plan, phase.firstIndex + index),
    }),
  });
  const { role, host } = options;
  await runArrivals({
    arrival: plan.arrival,
    count: phase.count,
    random: createRandom(plan.seed, `arrivals/${phase.name}`),
    signal: stop.signal,
    sendNext: async (scheduledMs) => {
      const request = prepared.take();
      phase.onSent();
      const outcome = await client.send(request);
      const row = toSampleRow(outcome, { plan, requestId: request.id, scheduledMs, role, host });
      try {
        phase.onRow(row, outcome);
      } catch (thrown) {
        broken.push(thrown);
        stop.abort();
      }
    },
  });
  if (broken.length > 0) throw broken[0];
}

/** One connection for each request that can be in flight; null when there is no bound. */
function connectionsOf({ arrival }: LoadPlan): number | null {
  return arrival.kind === 'closed' ? arrival.users : arrival.maxConcurrency;
}

const memoryAheadBytes = 32 * 2 ** 20;
const largestTokenBytes = 8;

function requestsAhead({ inputTokens }: LoadPlan): number {
  return Math.ceil(memoryAheadBytes / (inputTokens * largestTokenBytes));
}
