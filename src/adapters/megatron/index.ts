import type { Framework } from '../../lifecycle/adapter.ts';
import { programAdapter } from '../shared/program-adapter.ts';
import { plan } from './launch.ts';
import { megatronSpec } from './params.ts';
import { parse } from './parse.ts';
import { watch } from './progress.ts';

/** Megatron-LM: pre-training of GPT-like models, one rank per GPU. */
export const megatron: Framework = {
  spec: megatronSpec,
  launchVersion: 1,
  create: () => programAdapter({ plan, watch, parse }),
};
