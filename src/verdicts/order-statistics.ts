/** Fewer values than this are sorted in no time. */
const LARGE = 8192;
/** A band that leaves out fewer values than all but one of so many is not worth its sort. */
const NARROW = 8;

/** The values at 0-based ranks of the sorted order, in the order asked for. May reorder `values`, of which none is NaN. */
export function orderStatistics(values: Float64Array, ranks: readonly number[]): readonly number[] {
  const band = values.length < LARGE ? null : findBand(values, ranks);
  if (band !== null) return ranks.map((rank) => valueIn(band, rank));
  values.sort();
  return ranks.map((rank) => values[rank] ?? NaN);
}

/** What lies between two values. */
interface Bracket {
  readonly low: number;
  readonly high: number;
}

/** The values of a bracket, by the ranks that they have among all. */
interface Band extends Bracket {
  /** The rank of the first value that is not below `low`. */
  readonly firstLow: number;
  /** The rank of the first of `between`. */
  readonly firstBetween: number;
  /** Those between the two, without them, sorted. */
  readonly between: Float64Array;
  /** The rank of the first value that is neither below nor between. */
  readonly firstHigh: number;
  /** The rank of the first value above `high`. */
  readonly end: number;
}

function valueIn({ low, high, firstBetween, between, firstHigh }: Band, rank: number): number {
  if (rank < firstBetween) return low;
  return rank < firstHigh ? (between[rank - firstBetween] ?? NaN) : high;
}

/** A narrow band that holds all these ranks; null where the sample missed them. */
function findBand(values: Float64Array, ranks: readonly number[]): Band | null {
  const first = Math.min(...ranks);
  const last = Math.max(...ranks);
  const band = collect(values, bracket(values, first, last));
  return band !== null && band.firstLow <= first && last < band.end ? band : null;
}

/** Two values that the ranks from `first` to `last` very likely lie between, by the order of a sample. */
function bracket(values: Float64Array, first: number, last: number): Bracket {
  const n = values.length;
  const sample = sampleOf(values, Math.ceil(n ** (2 / 3)));
  const size = sample.length;
  sample.sort();
  // Four standard deviations of the rank that a value has in the sample.
  const spread = (share: number): number => 4 * Math.sqrt(size * share * (1 - share)) + 2;
  return {
    low: sample[Math.floor((first / n) * size - spread(first / n))] ?? -Infinity,
    high: sample[Math.ceil((last / n) * size + spread(last / n))] ?? Infinity,
  };
}

/** One value out of each of `size` parts, at another place in each: values may come in a rhythm. */
function sampleOf(values: Float64Array, size: number): Float64Array {
  const stride = values.length / size;
  const sample = new Float64Array(size);
  for (let part = 0; part < size; part++) {
    const place = (Math.imul(part, 0x9e37_79b1) >>> 0) / 2 ** 32;
    sample[part] = values[Math.floor((part + place) * stride)] ?? NaN;
  }
  return sample;
}

/** The values of a bracket; null when too many lie in it. */
function collect(values: Float64Array, { low, high }: Bracket): Band | null {
  const kept = new Float64Array(Math.ceil(values.length / NARROW));
  let below = 0;
  let atLow = 0;
  let between = 0;
  let atHigh = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? NaN;
    if (value < low) below++;
    else if (value > high) continue;
    // Of few different values many are the same: they are counted, and not kept.
    else if (value === low) atLow++;
    else if (value === high) atHigh++;
    else if (between === kept.length) return null;
    else kept[between++] = value;
  }
  const firstBetween = below + atLow;
  const firstHigh = firstBetween + between;
  return {
    low,
    high,
    firstLow: below,
    firstBetween,
    between: kept.subarray(0, between).sort(),
    firstHigh,
    end: firstHigh + atHigh,
  };
}
