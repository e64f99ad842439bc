import { createRandom } from '../src/adapters/shared/random.ts';

/** Tokens of every answer of the stub server. */
export const stubTokens = 20;

/** The nominal delays of one answer, known to both sides by the id of its request. */
export interface StubSchedule {
  readonly ttftMs: number;
  readonly gapsMs: readonly number[];
}

/** First token after 20 to 60 ms, each further one after 5 to 15 ms. */
export function stubSchedule(requestId: string): StubSchedule {
  const random = createRandom(1, requestId);
  const ttftMs = 20 + 40 * random();
  return { ttftMs, gapsMs: Array.from({ length: stubTokens - 1 }, () => 5 + 10 * random()) };
}

/** What really happened to one request, on the monotonic clock that all processes of a machine share. */
export interface StubRecord {
  readonly receivedMs: number;
  /** The moment before each token was handed to the kernel. */
  readonly writtenMs: number[];
}

/** The shared clock: milliseconds, as `process.hrtime`. */
export function clockMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
