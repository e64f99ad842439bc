import type { NodeHold } from './node-locks.ts';

/** A cell that runs: what it holds, and for how long. */
export interface TimedHold extends NodeHold {
  readonly durationS: number;
}

/**
 * Seconds until the last cell has ended when each starts, in order, as soon as all
 * earlier ones have left its nodes: what the scheduler does.
 */
export function wallTimeS(cells: Iterable<TimedHold>): number {
  const exclusiveEnds = new Map<string, number>();
  const sharedEnds = new Map<string, number>();
  let lastEnd = 0;
  for (const { nodes, isExclusive, durationS } of cells) {
    const blockers = isExclusive ? [exclusiveEnds, sharedEnds] : [exclusiveEnds];
    const start = Math.max(0, ...blockers.flatMap((ends) => nodes.map((node) => ends.get(node) ?? 0)));
    const end = start + durationS;
    const ends = isExclusive ? exclusiveEnds : sharedEnds;
    for (const node of nodes) ends.set(node, Math.max(ends.get(node) ?? 0, end));
    lastEnd = Math.max(lastEnd, end);
  }
  return lastEnd;
}
