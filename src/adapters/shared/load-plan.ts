import { AssayError } from '../../core/errors.ts';

/** Every user sends its next request when its last one has ended. */
export interface ClosedArrival {
  readonly kind: 'closed';
  readonly users: number;
}

/**
 * Requests arrive on a schedule of their own, whatever the server does.
 * `burstiness` is the shape of the gamma-distributed gaps (1 = Poisson, less =
 * burstier); a rate of Infinity means all at once. A request that waits
 * because `maxConcurrency` others are in flight is still measured from its
 * scheduled arrival.
 */
export interface OpenArrival {
  readonly kind: 'open';
  readonly requestRatePerSec: number;
  readonly burstiness: number;
  readonly maxConcurrency: number | null;
}

/** How requests come to the server. */
export type Arrival = ClosedArrival | OpenArrival;

/** Which OpenAI-compatible endpoint is asked. */
type Endpoint = 'completions' | 'chat';

/** One load, complete and reproducible: the same plan sends the same prompts on the same schedule. */
export interface LoadPlan {
  /** Where the server listens, without `/v1`. */
  readonly baseUrl: string;
  readonly model: string;
  readonly endpoint: Endpoint;
  readonly arrival: Arrival;
  /** Measured requests. */
  readonly requests: number;
  /** Requests that run to their end, by the same arrival, before the first measured one. */
  readonly warmupRequests: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Prompt tokens are drawn from `[firstTokenId, size)`, which keeps clear of special tokens. */
  readonly vocabulary: { readonly firstTokenId: number; readonly size: number };
  /** Give each cell a seed of its own: a reused server remembers the prompts of an equal seed. */
  readonly seed: number;
  /** From the send to the last byte of the answer. */
  readonly requestTimeoutMs: number;
  readonly headers?: Readonly<Record<string, string>>;
}

// setTimeout turns anything longer into 1 ms.
const longestTimerMs = 2 ** 31 - 1;

type Check = readonly [field: string, value: unknown, isRight: boolean, expected: string];

/** Throws one CONFIG_INVALID that names every field of the plan which cannot be run. */
export function checkLoadPlan(plan: LoadPlan): void {
  const problems = [...planChecks(plan), ...arrivalChecks(plan.arrival)]
    .filter(([, , isRight]) => !isRight)
    .map(([field, value, , expected]) => `${field} must be ${expected} (${String(value)})`);
  if (problems.length > 0) {
    throw new AssayError('CONFIG_INVALID', `load plan: ${problems.join('; ')}`, {
      hint: 'correct the params this load is built from',
    });
  }
}

function planChecks(plan: LoadPlan): readonly Check[] {
  const { firstTokenId, size } = plan.vocabulary;
  const { requestTimeoutMs } = plan;
  return [
    ['baseUrl', plan.baseUrl, isHttpUrl(plan.baseUrl), 'an http(s) address'],
    ['model', plan.model, plan.model !== '', 'a name'],
    countCheck('requests', plan.requests, 1),
    countCheck('warmupRequests', plan.warmupRequests, 0),
    countCheck('inputTokens', plan.inputTokens, 1),
    countCheck('outputTokens', plan.outputTokens, 1),
    countCheck('vocabulary.firstTokenId', firstTokenId, 0),
    countCheck('vocabulary.size', size, firstTokenId + 1),
    ['seed', plan.seed, Number.isSafeInteger(plan.seed), 'an integer'],
    [
      'requestTimeoutMs',
      requestTimeoutMs,
      requestTimeoutMs > 0 && requestTimeoutMs <= longestTimerMs,
      `above 0 and at most ${longestTimerMs}`,
    ],
  ];
}

function arrivalChecks(arrival: Arrival): readonly Check[] {
  if (arrival.kind === 'closed') return [countCheck('arrival.users', arrival.users, 1)];
  const { requestRatePerSec: rate, burstiness, maxConcurrency } = arrival;
  return [
    ['arrival.requestRatePerSec', rate, rate > 0, 'above 0'],
    ['arrival.burstiness', burstiness, burstiness > 0 && Number.isFinite(burstiness), 'finite and above 0'],
    countCheck('arrival.maxConcurrency', maxConcurrency ?? 1, 1),
  ];
}

function countCheck(field: string, value: number, minimum: number): Check {
  const isRight = Number.isSafeInteger(value) && value >= minimum;
  return [field, value, isRight, `a whole number of at least ${minimum}`];
}

function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}
