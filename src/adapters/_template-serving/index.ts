import type { Framework } from '../../lifecycle/adapter.ts';
import { programAdapter } from '../shared/program-adapter.ts';
import { planToyServing } from './launch.ts';
import { toyServingSpec } from './params.ts';
import { parseToyServing } from './parse.ts';
import { watchToyServing } from './progress.ts';

/** Template: a server `toyserve` and a load client `toyload`. docs/adding-a-framework.md takes you from here to your own. */
export const toyServing: Framework = {
  spec: toyServingSpec,
  launchVersion: 1,
  create: () => programAdapter({ plan: planToyServing, watch: watchToyServing, parse: parseToyServing }),
};
