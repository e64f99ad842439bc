import type { Framework } from '../../lifecycle/adapter.ts';
import { programAdapter } from '../shared/program-adapter.ts';
import { planToy } from './launch.ts';
import { toySpec } from './params.ts';
import { parseToy } from './parse.ts';
import { watchToy } from './progress.ts';

/** Template: a trainer `toytrain` that prints a line per step. docs/adding-a-framework.md takes you from here to your own. */
export const toy: Framework = {
  spec: toySpec,
  launchVersion: 1,
  create: () => programAdapter({ plan: planToy, watch: watchToy, parse: parseToy }),
};
