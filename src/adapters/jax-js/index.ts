import type { Framework } from '../../lifecycle/adapter.ts';
import { installedVersion } from '../shared/installed-version.ts';
import { programAdapter } from '../shared/program-adapter.ts';
import { JAX_PACKAGE } from './jax-runtime.ts';
import { planTraining } from './launch.ts';
import { jaxJsSpec } from './params.ts';
import { parseTraining } from './parse.ts';
import { watchSteps } from './progress.ts';

/** A byte-level llama trained on the CPU with @jax-js/jax, by one or two ranks in threads. */
export const jaxJs: Framework = {
  spec: jaxJsSpec,
  launchVersion: 1,
  engine: () => ({ [JAX_PACKAGE]: installedVersion(JAX_PACKAGE) }),
  create: () => programAdapter({ plan: planTraining, watch: watchSteps, parse: parseTraining }),
};
