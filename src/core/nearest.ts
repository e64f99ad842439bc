/** The candidate that a typo or the beginning of a name most likely meant, or null when none is near. */
export function nearest(word: string, candidates: Iterable<string>): string | null {
  const all = [...candidates];
  return nearestTypo(word, all) ?? completionOf(word, all);
}

/** The candidate that a word most likely misspells, or null when none is near. */
export function nearestTypo(word: string, candidates: readonly string[]): string | null {
  let best: string | null = null;
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** The candidates that one letter to change, insert, remove or swap with its neighbour makes of a word; letter case counts. */
export function slipsOf(word: string, candidates: readonly string[]): readonly string[] {
  return candidates.filter((candidate) => editDistance(word, candidate) === 1);
}

// What begins with fewer letters may be anything.
const SHORTEST_BEGINNING = 3;

/** The only candidate that begins with a word. */
function completionOf(word: string, candidates: readonly string[]): string | null {
  if (word.length < SHORTEST_BEGINNING) return null;
  const [found = null, another] = candidates.filter((one) => one.toLowerCase().startsWith(word.toLowerCase()));
  return another === undefined ? found : null;
}

/** Letters to change, insert, remove or swap with their neighbour. */
function editDistance(a: string, b: string): number {
  let beforeLast: readonly number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = costAt(last, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swap = isSwap ? costAt(beforeLast, j - 2) + 1 : Infinity;
      current.push(Math.min(substitution, swap, costAt(last, j) + 1, costAt(current, j - 1) + 1));
    }
    beforeLast = last;
    last = current;
  }
  return costAt(last, b.length);
}

function costAt(row: readonly number[], index: number): number {
  return row[index] ?? Infinity;
}
