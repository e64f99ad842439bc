import type { Framework } from '../../lifecycle/adapter.ts';
import { jaxSpec } from './params.ts';

/** JAX with MaxText: pre-training of decoder-only models on GPUs. */
export const jax: Framework = {
  spec: jaxSpec,
  launchVersion: 1,
  create: null,
};
