import type { Framework } from '../../lifecycle/adapter.ts';
import { megatronSpec } from './params.ts';

/** Megatron-LM: pre-training of GPT-like models, one rank per GPU. */
export const megatron: Framework = {
  spec: megatronSpec,
  launchVersion: 1,
  create: null,
};
