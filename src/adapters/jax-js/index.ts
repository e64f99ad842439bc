import type { Framework } from '../../lifecycle/adapter.ts';
import { jaxJsSpec } from './params.ts';

/** A byte-level llama trained on the CPU with @jax-js/jax, by one or two ranks in threads. */
export const jaxJs: Framework = {
  spec: jaxJsSpec,
  launchVersion: 1,
  create: null,
};
