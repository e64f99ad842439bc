import { orderStatistics } from './order-statistics.ts';

/** An interval around an order statistic; an end is null when the sample is too small to bound that side. */
export interface Interval {
  readonly low: number | null;
  readonly high: number | null;
  readonly confidence: number;
}

/** A percentile with its distribution-free interval; null where neither side can be bounded. */
interface PercentileEstimate {
  readonly value: number;
  readonly interval: Interval | null;
}

/**
 * A percentile (0 to 100) by linear interpolation at p/100*(n-1), with an
 * interval from order statistics that assumes nothing but independent samples.
 * May reorder `values`, which must not be empty nor hold NaN.
 */
export function estimatePercentile(values: Float64Array, percentile: number, confidence: number): PercentileEstimate {
  const place = (percentile * (values.length - 1)) / 100;
  const lower = Math.floor(place);
  const upper = Math.ceil(place);
  const ranks = intervalRanks(values.length, percentile, confidence);
  const at = orderStatistics(values, [lower, upper, ranks.low ?? lower, ranks.high ?? upper]);
  const [below = NaN, above = NaN, low = NaN, high = NaN] = at;
  const value = Math.min(above, below + (above - below) * (place - lower));
  if (ranks.low === null && ranks.high === null) return { value, interval: null };
  // Of two or three samples the interpolated value can lie outside its interval; wider is still true.
  const interval = {
    low: ranks.low === null ? null : Math.min(low, value),
    high: ranks.high === null ? null : Math.max(high, value),
    confidence,
  };
  return { value, interval };
}

/**
 * The fewest samples that allow a claim about a percentile at all: MLPerf's
 * early-stopping floor with one sample in the tail (p99 needs 662).
 */
export function minimumSamples(percentile: number, confidence = 0.99): number {
  const inside = Math.max(percentile, 100 - percentile) / 100;
  const isEnough = (n: number): boolean => inside ** n + n * (1 - inside) * inside ** (n - 1) < 1 - confidence;
  if (inside === 1) return Infinity;
  let enough = 2;
  while (!isEnough(enough)) enough *= 2;
  let tooFew = enough / 2;
  while (enough - tooFew > 1) {
    const middle = Math.floor((tooFew + enough) / 2);
    if (isEnough(middle)) enough = middle;
    else tooFew = middle;
  }
  return enough;
}

interface RankInterval {
  readonly low: number | null;
  readonly high: number | null;
}

/**
 * The 0-based ranks whose values enclose a percentile of n samples; each side
 * misses it with a probability of at most (1 - confidence) / 2.
 */
export function intervalRanks(n: number, percentile: number, confidence: number): RankInterval {
  if (percentile >= 100) return { low: null, high: null };
  const tail = (1 - confidence) / 2;
  const { start, weights } = binomialWeights(n, percentile / 100);
  const low = start + countWithin(weights, tail) - 1;
  const high = start + weights.length - countWithin(weights.toReversed(), tail) - 1;
  return { low: low < 0 ? null : low, high: high >= n ? null : high };
}

/** How many leading weights sum to no more than a budget. */
function countWithin(weights: readonly number[], budget: number): number {
  let sum = 0;
  const end = weights.findIndex((weight) => (sum += weight) > budget);
  return end < 0 ? weights.length : end;
}

interface BinomialWeights {
  /** The count that `weights[0]` belongs to. */
  readonly start: number;
  readonly weights: readonly number[];
}

/** P(Binomial(n, p) = k) around the mode, walked outwards until what is left cannot matter. */
function binomialWeights(n: number, p: number): BinomialWeights {
  const negligible = 1e-20;
  const odds = p / (1 - p);
  const mode = Math.min(n, Math.floor((n + 1) * p));
  const below: number[] = [];
  for (let k = mode, weight = 1; k > 0 && weight > negligible; k--) {
    weight *= k / ((n - k + 1) * odds);
    below.push(weight);
  }
  const above: number[] = [];
  for (let k = mode, weight = 1; k < n && weight > negligible; k++) {
    weight *= ((n - k) * odds) / (k + 1);
    above.push(weight);
  }
  const weights = [...below.reverse(), 1, ...above];
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return { start: mode - below.length, weights: weights.map((weight) => weight / total) };
}
