/** The largest variance of all windows, and where it is. */
interface LargestVariance {
  readonly variance: number;
  /** The index of the first value of that window. */
  readonly start: number;
}

/**
 * The largest population variance of any `size` consecutive values, of which
 * there must be at least as many; not finite where it is too large for a number.
 *
 * The values are cut into blocks of `size`, so that a window is the tail of one
 * block and the head of the next. Both grow value by value (Welford) and are
 * merged (Chan): nothing is ever taken out of a sum again, so no error builds
 * up over a long series. The window that is found is then measured by the
 * definition.
 */
export function largestVariance(values: Float64Array, size: number): LargestVariance {
  const shares = new Float64Array(size + 1).map((_, n) => 1 / n);
  const tails = { means: new Float64Array(size), squares: new Float64Array(size), shares };
  let largest = -Infinity;
  let start = 0;
  for (let block = 0; block + size <= values.length; block += size) {
    measureTails(values, block, tails);
    const heads = Math.min(size - 1, values.length - block - size);
    let mean = 0;
    let squares = 0;
    for (let taken = 0; taken <= heads; taken++) {
      if (taken > 0) {
        const value = values[block + size + taken - 1] ?? NaN;
        const delta = value - mean;
        mean += delta * (shares[taken] ?? NaN);
        squares += delta * (value - mean);
      }
      const gap = taken === 0 ? 0 : (tails.means[taken] ?? NaN) - mean;
      const sum = (tails.squares[taken] ?? NaN) + squares + gap * gap * taken * (1 - taken / size);
      if (sum <= largest) continue;
      largest = Number.isNaN(sum) ? Infinity : sum;
      start = block + taken;
    }
  }
  return { variance: varianceOf(values.subarray(start, start + size)), start };
}

/** The tails of one block, by their first index in it. */
interface Tails {
  readonly means: Float64Array;
  /** Sums of the squared distances to the mean. */
  readonly squares: Float64Array;
  /** 1 / n for every number of values. */
  readonly shares: Float64Array;
}

function measureTails(values: Float64Array, block: number, { means, squares, shares }: Tails): void {
  const size = means.length;
  let mean = 0;
  let sum = 0;
  for (let index = size - 1; index >= 0; index--) {
    const value = values[block + index] ?? NaN;
    const delta = value - mean;
    mean += delta * (shares[size - index] ?? NaN);
    sum += delta * (value - mean);
    means[index] = mean;
    squares[index] = sum;
  }
}

function varianceOf(values: Float64Array): number {
  const origin = values[0] ?? NaN;
  // Counted from the first value, numbers that are close together are small.
  const mean = values.reduce((sum, value) => sum + (value - origin), 0) / values.length;
  return values.reduce((sum, value) => sum + (value - origin - mean) ** 2, 0) / values.length;
}
