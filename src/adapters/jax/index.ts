import type { Framework } from '../../lifecycle/adapter.ts';
import { programAdapter } from '../shared/program-adapter.ts';
import { planJax } from './launch.ts';
import { parseJax } from './parse.ts';
import { jaxSpec } from './params.ts';
import { watchJax } from './progress.ts';

/** JAX with MaxText: pre-training of decoder-only models on GPUs. */
export const jax: Framework = {
  spec: jaxSpec,
  launchVersion: 1,
  create: () => programAdapter({ plan: planJax, watch: watchJax, parse: parseJax }),
};
