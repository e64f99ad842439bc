/** What is known of how fast a cell gets on. */
export interface Pace {
  /** How long the cell has been under way. */
  readonly elapsedMs: number;
  /** How long it takes as a rule; null where no earlier run tells. */
  readonly usualMs: number | null;
  /** What was counted of its work; null before anything was. */
  readonly counted: Counted | null;
}

/** Work that is counted, from the moment when counting began. */
export interface Counted {
  readonly forMs: number;
  /** How much was done by then. */
  readonly from: number;
  readonly done: number;
  readonly total: number;
}

/** What is counted for less is mostly the warm-up. */
const TELLING_MS = 2000;

/** Nobody waits for what is further away, and a rate that says so is none. */
const FARTHEST_MS = 30 * 24 * 3_600_000;

/**
 * How long a cell still takes, in milliseconds: by its earlier runs, or else by the rate of what was counted. Null
 * where neither tells; never negative.
 */
export function remainingMs({ elapsedMs, usualMs, counted }: Pace): number | null {
  if (usualMs !== null && usualMs > elapsedMs) return sane(usualMs - elapsedMs);
  if (counted === null || counted.forMs < TELLING_MS) return null;
  const gained = counted.done - counted.from;
  const left = counted.total - counted.done;
  return gained > 0 && left > 0 ? sane((counted.forMs * left) / gained) : null;
}

function sane(ms: number): number | null {
  return ms > 0 && ms <= FARTHEST_MS ? ms : null;
}
