import { describe, expect, it } from 'vitest';
import { jaxJs } from '../../../../src/adapters/jax-js/index.ts';
import { tinyRecipe } from '../../../../src/adapters/jax-js/recipe.ts';

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
      save_model: true,
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

  it.each([
    [1, 'the rank is a thread of one process, and the topology asks for 2 workers'],
    [2, 'the 2 ranks are threads of one process, and the topology asks for 2 workers'],
  ])('keep %d ranks on one node', (ranks, message) => {
    const two = { roles: { worker: { ...topology.roles.worker, count: 2 } } };
    expect(spec.constraints({ params: spec.params.parse({ ranks }), topology: two })).toEqual([
      { field: 'ranks', message, hint: 'set `count: 1` for the role worker' },
    ]);
  });
});
