import { createRandom, drawInteger } from '../shared/random.ts';
import type { TokenWindows } from './byte-llama.ts';

interface BatchOptions {
  readonly windowLength: number;
  readonly windows: number;
  readonly seed: number;
}

/** The batch of one step. */
export type BatchAt = (step: number) => TokenWindows;

/** Random windows of `tokens`; a batch depends on the seed and the step alone, so any rank can make any step's batch. */
export function seededBatches(tokens: Int32Array, { windowLength, windows, seed }: BatchOptions): BatchAt {
  const starts = tokens.length - windowLength + 1;
  if (starts < 1) {
    throw new RangeError(`a text of ${tokens.length} tokens has no window of ${windowLength}`);
  }
  return (step) => {
    const random = createRandom(seed, `batch/${step}`);
    return Array.from({ length: windows }, () => {
      const start = drawInteger(random, starts);
      return tokens.subarray(start, start + windowLength);
    });
  };
}

/** Consecutive windows without overlap, from the first token; a shorter rest is left out. */
export function consecutiveWindows(tokens: Int32Array, windowLength: number): TokenWindows {
  const count = Math.floor(tokens.length / windowLength);
  return Array.from({ length: count }, (_, index) => tokens.subarray(index * windowLength, (index + 1) * windowLength));
}
