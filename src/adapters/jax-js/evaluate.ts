import type { ByteLlama, TokenWindows } from './byte-llama.ts';

/** Mean negative log-likelihood (nats per token) of each window, over its tokens 1..n-1. */
export async function windowNlls(
  model: ByteLlama,
  weights: Float32Array,
  windows: TokenWindows,
): Promise<readonly number[]> {
  const nlls: number[] = [];
  // One window at a time: a held-out text of any length then needs one compiled shape.
  for (const window of windows) {
    const [perToken] = await model.tokenNlls(weights, [window]);
    nlls.push(mean(perToken ?? []));
  }
  return nlls;
}

/** Arithmetic mean; NaN of nothing. */
export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let index = 0; index < values.length; index += 1) {
    sum += values[index] ?? 0;
  }
  return sum / values.length;
}
