import { createHash } from 'node:crypto';

/** A deterministic source: every call gives the next uniform number in [0, 1). */
export type Random = () => number;

/**
 * The source for one purpose of a seed. Sources of different labels are
 * independent, so drawing more from one never moves what another gives.
 */
export function createRandom(seed: number, label: string): Random {
  const digest = createHash('sha256').update(`${seed}/${label}`).digest();
  let a = digest.readInt32LE(0);
  let b = digest.readInt32LE(4);
  let c = digest.readInt32LE(8);
  let counter = digest.readInt32LE(12);
  // sfc32, a small generator that passes PractRand; the digest replaces its warm-up.
  const nextWord = (): number => {
    const word = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + word) | 0;
    return word >>> 0;
  };
  return () => (nextWord() * 2 ** 21 + (nextWord() >>> 11)) / 2 ** 53;
}

/** A whole number in [0, bound). */
export function drawInteger(random: Random, bound: number): number {
  return Math.floor(random() * bound);
}

/** One draw from the gamma distribution: mean shape * scale, variance shape * scale². */
export function drawGamma(random: Random, shape: number, scale: number): number {
  if (shape < 1) {
    // Marsaglia and Tsang, section 6: a gamma of shape + 1, pulled towards 0.
    return drawGamma(random, shape + 1, scale) * (1 - random()) ** (1 / shape);
  }
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = drawNormal(random);
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(1 - random()) < x * x * 0.5 + d * (1 - v + Math.log(v))) {
      return d * v * scale;
    }
  }
}

// 1 - random() is in (0, 1], where the logarithm is finite.
function drawNormal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
