import { z } from 'zod';
import { defineFramework } from '../../config/schema/framework.ts';
import type { CellShape, Violation } from '../../config/schema/framework.ts';

/** Bytes that the embedded model can look back on, and so the longest window it trains on. */
const CONTEXT_LENGTH = 512;

/** The params of a jax_js cell, axis values included; the defaults are those that made the committed model. */
export const jaxJsParams = z.strictObject({
  ranks: z.int().min(1).max(2).default(1).describe('Data-parallel ranks, each a thread of its own.'),
  steps: z.int().min(1).default(1200).describe('Updates of the weights.'),
  micro_batch_size: z.int().min(1).default(2).describe('Windows of text that a rank takes in one step.'),
  sequence_length: z
    .int()
    .min(2)
    .max(CONTEXT_LENGTH)
    .default(CONTEXT_LENGTH)
    .describe('Length of a window, bytes: each is one token.'),
  learning_rate: z.number().positive().default(3e-3).describe('Peak learning rate.'),
  warmup_steps: z.int().min(0).default(50).describe('Steps until the peak is reached.'),
  final_learning_rate_share: z
    .number()
    .min(0)
    .max(1)
    .default(0.05)
    .describe('Learning rate of the last step, as a share of the peak.'),
  weight_decay: z.number().min(0).default(0.1).describe('Decoupled weight decay, per step and unit of learning rate.'),
  max_grad_norm: z.number().positive().default(1).describe('Longest gradient that is applied unscaled.'),
  save_model: z
    .boolean()
    .default(true)
    .describe('Keeps the trained model with the run: a GGUF file, its card, and the text that judged it.'),
});

/** The params of a jax_js cell, validated. */
export type JaxJsParams = z.output<typeof jaxJsParams>;

function checkThreads({ params: { ranks }, topology }: CellShape<JaxJsParams>): readonly Violation[] {
  const nodes = topology.roles['worker']?.count ?? 1;
  if (nodes === 1) return [];
  return [
    {
      field: 'ranks',
      message: `${ranks === 1 ? 'the rank is a thread' : `the ${ranks} ranks are threads`} of one process, and the topology asks for ${nodes} workers`,
      hint: 'set `count: 1` for the role worker',
    },
  ];
}

/** What the config loader must know of jax_js. */
export const jaxJsSpec = defineFramework({
  name: 'jax_js',
  workloadKind: 'training',
  params: jaxJsParams,
  knobs: z.looseObject({}),
  roles: { required: ['worker'], optional: [] },
  container: 'none',
  constraints: checkThreads,
  ranks: (cell) => cell.params.ranks,
  axisTokens: {
    ranks: 'ranks',
    micro_batch_size: 'mbs',
    sequence_length: 'seq',
    learning_rate: 'lr',
    steps: 'steps',
  },
  metrics: [
    'loss',
    'grad_norm',
    'learning_rate',
    'step_time_ms',
    'comm_ms',
    'compute_ms',
    'throughput',
    'tokens',
    'heldout_nll',
  ],
  predicates: ['loss_finite', 'no_straggler'],
});
