import { getLlama, type LlamaModel, type Token } from 'node-llama-cpp';
import type { TokenWindows } from '../../../../src/adapters/jax-js/byte-llama.ts';
import { mean } from '../../../../src/adapters/jax-js/evaluate.ts';

/** Loads a GGUF file in llama.cpp for the time of `use`, on one thread. */
export async function withLlama<T>(modelPath: string, use: (model: LlamaModel) => Promise<T>): Promise<T> {
  const llama = await getLlama({ gpu: false, build: 'never', maxThreads: 1 });
  try {
    return await use(await llama.loadModel({ modelPath }));
  } finally {
    await llama.dispose();
  }
}

/** `full` keeps every number in F32; `served` is how a server runs by default: F16 keys and values, flash attention. */
type Precision = 'full' | 'served';

const contextOptions = {
  full: { flashAttention: false, experimentalKvCacheKeyType: 'F32', experimentalKvCacheValueType: 'F32' },
  served: {},
} as const;

/** What llama.cpp finds: the mean negative log-likelihood in nats of each window's tokens 1..n-1, from an empty context. */
export async function llamaWindowNlls(
  model: LlamaModel,
  windows: TokenWindows,
  precision: Precision,
): Promise<number[]> {
  const context = await model.createContext({ contextSize: 512, threads: 1, ...contextOptions[precision] });
  const sequence = context.getSequence();
  const nlls: number[] = [];
  for (const window of windows) {
    await sequence.clearHistory();
    const tokens = [...window] as Token[];
    const results = await sequence.controlledEvaluate(
      tokens.map((token) => [token, { generateNext: { probabilities: true } }]),
    );
    nlls.push(mean(tokens.slice(1).map((token, at) => -Math.log(results[at]!.next.probabilities!.get(token)!))));
  }
  // llama.dispose() with a context left open hangs now and then.
  await context.dispose();
  return nlls;
}
