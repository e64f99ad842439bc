import { describe, expect, it } from 'vitest';
import { jaxJs } from '../../../../src/adapters/jax-js/index.ts';
import { tinyRecipe } from '../../../../src/adapters/jax-js/tiny-model.ts';

const { spec } = jaxJs;
const topology = { roles: { worker: { count: 1, gpus_per_node: 0, selector: '' } } };

describe('the params of jax_js', () => {
  it('train the committed model when nothing is set', () => {
    expect(spec.params.parse({})).toEqual({
      ranks: 1,
      steps: tinyRecipe.steps,
      micro_batch_size: tinyRecipe.windowsPerStep,
      sequence_length: tinyRecipe.windowLength,
      learning_rate: tinyRecipe.peakLearningRate,
      warmup_steps: tinyRecipe.warmupSteps,
      final_learning_rate_share: tinyRecipe.finalLearningRateShare,
      weight_decay: tinyRecipe.weightDecay,
      max_grad_norm: tinyRecipe.maxGradNorm,
    });
  });

  it.each([
    ['a third rank', { ranks: 3 }],
    ['no rank', { ranks: 0 }],
    ['a window that predicts nothing', { sequence_length: 1 }],
    ['a window longer than the context', { sequence_length: 513 }],
    ['no step', { steps: 0 }],
    ['an unknown field', { tp: 1 }],
  ])('refuse %s', (_, params) => {
    expect(spec.params.safeParse(params).success).toBe(false);
  });

  it.each([[1], [2]])('make a workload of %d ranks, on a machine without GPUs', (ranks) => {
    const cell = { params: spec.params.parse({ ranks }), topology };
    expect(spec.ranks(cell)).toBe(ranks);
    expect(spec.constraints(cell)).toEqual([]);
  });
});
