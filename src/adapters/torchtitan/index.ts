import type { Framework } from '../../lifecycle/adapter.ts';
import { programAdapter } from '../shared/program-adapter.ts';
import { planTorchtitan } from './launch.ts';
import { torchtitanSpec } from './params.ts';
import { parseTorchtitan } from './parse.ts';
import { watchTorchtitan } from './progress.ts';

/** torchtitan: pre-training with PyTorch's own parallelism, one rank per GPU. */
export const torchtitan: Framework = {
  spec: torchtitanSpec,
  launchVersion: 1,
  create: () => programAdapter({ plan: planTorchtitan, watch: watchTorchtitan, parse: parseTorchtitan }),
};
