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
 * How long a cell still takes, in milliseconds: by its earlier runs at first, more and more by the rate of what was
 * counted as its work is done or its usual time runs out, and by that alone when it has. Null where neither tells; never
 * negative.
 */
export function remainingMs({ elapsedMs, usualMs, counted }: Pace): number | null {
  const usualLeft = usualMs === null ? null : sane(usualMs - elapsedMs);
  const paced = counted === null ? null : byRate(counted);
  if (usualMs === null || usualLeft === null) return paced;
  if (paced === null || counted === null) return usualLeft;
  const share = Math.min(1, Math.max(0, counted.done / counted.total));
  const trust = (1 - share) * Math.min(1, usualLeft / usualMs);
  return sane((trust * usualLeft + share * paced) / (trust + share));
}

function byRate({ forMs, from, done, total }: Counted): number | null {
  if (forMs < TELLING_MS) return null;
  const gained = done - from;
  const left = total - done;
  return gained > 0 && left > 0 ? sane((forMs * left) / gained) : null;
}

function sane(ms: number): number | null {
  return ms > 0 && ms <= FARTHEST_MS ? ms : null;
}
