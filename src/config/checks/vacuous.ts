import { rulesOf } from '../threshold.ts';
import type { Threshold } from '../threshold.ts';

/** Why no run could miss this threshold (`min <= 0`, `max >= 1e6`, an epsilon as wide as its target); null when one could. */
export function isVacuous(threshold: Threshold): string | null {
  return rulesOf(threshold).vacuous(threshold);
}
