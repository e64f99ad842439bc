import type { Framework } from '../../lifecycle/adapter.ts';
import { LlamaCppAdapter } from './adapter.ts';
import { llamaCppSpec } from './params.ts';

/** llama.cpp on a CPU: an OpenAI-compatible server, our load client, perplexity on a held-out text. */
export const llamaCpp: Framework = {
  spec: llamaCppSpec,
  launchVersion: 1,
  create: () => new LlamaCppAdapter(),
};
