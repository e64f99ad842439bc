import type { Framework } from '../../lifecycle/adapter.ts';
import { programAdapter } from '../shared/program-adapter.ts';
import { planTraining } from './launch.ts';
import { jaxJsSpec } from './params.ts';
import { parseTraining } from './parse.ts';
import { watchSteps } from './progress.ts';

/** A byte-level llama trained on the CPU with @jax-js/jax, by one or two ranks in threads. */
export const jaxJs: Framework = {
  spec: jaxJsSpec,
  launchVersion: 1,
  create: () => programAdapter({ plan: planTraining, watch: watchSteps, parse: parseTraining }),
};
