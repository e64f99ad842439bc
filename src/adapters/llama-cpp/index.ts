import type { Framework } from '../../lifecycle/adapter.ts';
import { installedVersion } from '../shared/installed-version.ts';
import { LlamaCppAdapter } from './adapter.ts';
import { llamaCppSpec } from './params.ts';

/** llama.cpp on a CPU: an OpenAI-compatible server, our load client, perplexity on a held-out text. */
export const llamaCpp: Framework = {
  spec: llamaCppSpec,
  launchVersion: 1,
  // A llama-server from the PATH has a version of its own.
  engine: ({ knobs }) =>
    knobs['backend'] === 'llama-server' ? null : { 'node-llama-cpp': installedVersion('node-llama-cpp') },
  create: () => new LlamaCppAdapter(),
};
