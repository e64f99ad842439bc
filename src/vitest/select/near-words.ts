import { nearestTypo } from '../../core/nearest.ts';
import { containsWord } from './words.ts';

/** What somebody may have meant by a word that nothing is called, as a sentence to put behind it; null when nothing is near. */
export function didYouMean(word: string, known: readonly string[]): string | null {
  const near = nearTo(word, known);
  if (near.length === 0) return null;
  return `did you mean ${near.map((one) => `\`${one}\``).join(' or ')}?`;
}

// More of them are no help.
const SHOWN = 3;

/** The names that hold the word, else those that are fewest letters away from it, at most three. */
function nearTo(word: string, known: readonly string[]): readonly string[] {
  const holding = known.filter((name) => containsWord(name, word));
  if (holding.length > 0 && holding.length <= SHOWN) return holding;
  // Of very different length none can be near, and there may be thousands.
  const candidates = known.filter((name) => Math.abs(name.length - word.length) <= Math.max(1, word.length / 3));
  const nearest = nearestTypo(word, candidates);
  if (nearest === null) return holding.slice(0, SHOWN);
  // In doubt the first of two is taken for the nearer: whatever is taken before the nearest is as near.
  return candidates.filter((name) => nearestTypo(word, [name, nearest]) === name).slice(0, SHOWN);
}
