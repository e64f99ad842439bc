import type { Framework } from '../../lifecycle/adapter.ts';
import { vllmSpec } from './params.ts';

/** vLLM: `vllm serve` on one or more nodes under the load of `vllm bench serve`. */
export const vllm: Framework = { spec: vllmSpec, launchVersion: 1, create: null };
