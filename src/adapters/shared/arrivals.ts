import { waitUntil } from './fine-wait.ts';
import type { Arrival, ClosedArrival, OpenArrival } from './load-plan.ts';
import type { Random } from './random.ts';
import { drawGamma } from './random.ts';

/**
 * Sends the next request of a phase; the promise ends with the answer.
 * `scheduledMs` (performance.now) is null in a closed loop.
 */
export type SendNext = (scheduledMs: number | null) => Promise<void>;

interface Arrivals<A extends Arrival> {
  readonly arrival: A;
  readonly count: number;
  readonly random: Random;
  readonly signal: AbortSignal;
  readonly sendNext: SendNext;
}

/** Sends `count` requests as the arrival says; ends when all have ended, or early on abort. */
export function runArrivals(options: Arrivals<Arrival>): Promise<void> {
  const { arrival } = options;
  return arrival.kind === 'closed' ? runClosedLoop({ ...options, arrival }) : runOpenLoop({ ...options, arrival });
}

/**
 * The scheduled arrivals in milliseconds after the first, which is at 0. Gaps
 * are gamma distributed with mean 1 / rate and shape `burstiness`.
 */
export function* arrivalOffsetsMs(arrival: OpenArrival, random: Random): Generator<number, never> {
  const { requestRatePerSec, burstiness } = arrival;
  const scaleMs = 1000 / (requestRatePerSec * burstiness);
  for (let offsetMs = 0; ;) {
    yield offsetMs;
    if (scaleMs > 0) offsetMs += drawGamma(random, burstiness, scaleMs);
  }
}

async function runClosedLoop(options: Arrivals<ClosedArrival>): Promise<void> {
  const { arrival, count, signal, sendNext } = options;
  let left = count;
  const user = async (): Promise<void> => {
    while (left > 0 && !signal.aborted) {
      left -= 1;
      await sendNext(null);
    }
  };
  await Promise.all(Array.from({ length: Math.min(arrival.users, count) }, user));
}

/**
 * The schedule is absolute: a slow server or a full cap never moves later
 * arrivals, which is what keeps coordinated omission out.
 */
async function runOpenLoop(options: Arrivals<OpenArrival>): Promise<void> {
  const { arrival, count, random, signal, sendNext } = options;
  const slots = createSlots(arrival.maxConcurrency ?? Infinity);
  const requests: Promise<void>[] = [];
  const startMs = performance.now();
  for (const offsetMs of arrivalOffsetsMs(arrival, random)) {
    if (requests.length === count) break;
    const scheduledMs = startMs + offsetMs;
    await waitUntil(scheduledMs, signal);
    await slots.take();
    if (signal.aborted) break;
    requests.push(sendNext(scheduledMs).finally(() => slots.give()));
  }
  await Promise.all(requests);
}

/** At most `size` takers at a time; one caller may wait. */
function createSlots(size: number): { take(): Promise<void>; give(): void } {
  let free = size;
  let wake: (() => void) | null = null;
  return {
    async take() {
      if (free === 0) await new Promise<void>((resolve) => (wake = resolve));
      free -= 1;
    },
    give() {
      free += 1;
      wake?.();
      wake = null;
    },
  };
}
