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
 * Reorders `values`, which must not be empty nor hold NaN.
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

/** The values at 0-based ranks of the sorted order, in the order asked for. Reorders `values`. */
export function orderStatistics(values: Float64Array, ranks: readonly number[]): readonly number[] {
  const sorted = [...new Set(ranks)].sort((a, b) => a - b);
  const first = sorted[0] ?? 0;
  const last = sorted.at(-1) ?? 0;
  // Both ends first: what lies between them is then a small part of the whole.
  selectRank(values, last, { left: 0, right: values.length - 1 });
  selectRank(values, first, { left: 0, right: last });
  for (let i = 1; i < sorted.length - 1; i++) {
    selectRank(values, sorted[i] ?? last, { left: (sorted[i - 1] ?? first) + 1, right: last - 1 });
  }
  return ranks.map((rank) => values[rank] ?? NaN);
}

interface Span {
  /** First and last index, both inclusive. */
  readonly left: number;
  readonly right: number;
}

// Floyd and Rivest's SELECT: a sample brackets the answer, so that one pass over the span is usually enough.
function selectRank(values: Float64Array, rank: number, span: Span): void {
  let { left, right } = span;
  while (right > left) {
    if (right - left > 600) selectRank(values, rank, sampleSpan(rank, { left, right }));
    const pivot = values[rank] ?? NaN;
    const [lower, upper] = partition(values, pivot, { left, right });
    if (rank <= lower) right = lower;
    else if (rank >= upper) left = upper;
    else return;
  }
}

/** The part of a span that, ordered, puts a pivot close to its final place at `rank`. */
function sampleSpan(rank: number, { left, right }: Span): Span {
  const n = right - left + 1;
  const offset = rank - left + 1;
  const z = Math.log(n);
  const size = 0.5 * Math.exp((2 * z) / 3);
  const spread = 0.5 * Math.sqrt((z * size * (n - size)) / n) * Math.sign(offset - n / 2);
  return {
    left: Math.max(left, Math.floor(rank - (offset * size) / n + spread)),
    right: Math.min(right, Math.floor(rank + ((n - offset) * size) / n + spread)),
  };
}

/** Moves what is at most the pivot to the left and at least the pivot to the right; returns the ends of the two parts. */
function partition(
  values: Float64Array,
  pivot: number,
  { left, right }: Span,
): readonly [lower: number, upper: number] {
  let i = left;
  let j = right;
  while (i <= j) {
    while ((values[i] ?? NaN) < pivot) i++;
    while ((values[j] ?? NaN) > pivot) j--;
    if (i > j) break;
    const moved = values[i] ?? NaN;
    values[i++] = values[j] ?? NaN;
    values[j--] = moved;
  }
  return [j, i];
}
