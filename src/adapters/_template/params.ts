import { z } from 'zod';
import { defineFramework } from '../../config/schema/framework.ts';

/** The params of a cell, axis values included: what is not here, no config can say. */
export const toyParams = z.strictObject({
  steps: z.int().min(1).describe('Steps of the run.'),
  learning_rate: z.number().positive().default(1e-3).describe('Learning rate of every step.'),
});

/** What the config loader must know of the framework. */
export const toySpec = defineFramework({
  name: 'toy',
  workloadKind: 'training',
  params: toyParams,
  knobs: z.looseObject({ backend: z.string().exactOptional().describe('Variant of the trainer.') }),
  roles: { required: ['worker'], optional: [] },
  container: 'optional',
  axisTokens: { learning_rate: 'lr' },
  metrics: ['loss', 'step_time_ms'],
  predicates: ['loss_finite'],
});
