import { claims } from 'vitest-assay/claims';
import { asAsked, hasKnob } from './as-asked.ts';

/** How far the mean length may leave its range, as a share: prompts are sent as text, which the server splits anew. */
const LENGTH_TOLERANCE = 0.05;

/** What a result or the server's log may confirm; a summary alone does not say all of it. */
const BY_RESULT = ['tensor_parallelism', 'expert_parallelism', 'dp_attention', 'isl', 'osl', 'num_prompts'];

/** Tier 4: the recipe of InferenceMAX serves, and its client sends, what the config asks for. */
export default claims({
  recipe_applied: {
    check({ run, expect }) {
      const { asked, applied } = run.applied('concurrency');
      const entries = BY_RESULT.map((name) => [name, run.manifest.result.applied[name]] as const);
      const said = entries.filter(([, entry]) => entry !== undefined && entry.applied !== null);
      const inForce = said.map(([name, entry]) => [name, entry?.applied]);
      expect([['concurrency', applied], ...inForce]).toEqual([
        ['concurrency', asked],
        ...said.map(([name, entry]) => [name, entry?.asked]),
      ]);
    },
  },
  lengths_in_range: {
    when: ({ params }) => params['dataset_name'] === 'random',
    check({ run, cell, expect }) {
      const lengths = [run.scalar('mean_input_tokens'), run.scalar('mean_output_tokens')];
      // Lengths are drawn between this share of what is asked and all of it; a client of its own accord sends all.
      const least = Number(cell.params['random_range_ratio'] ?? 1) * (1 - LENGTH_TOLERANCE);
      for (const [index, name] of ['isl', 'osl'].entries()) {
        const asked = Number(cell.params[name]);
        expect(lengths[index]).toBeGreaterThanOrEqual(asked * least);
        expect(lengths[index]).toBeLessThanOrEqual(asked * (1 + LENGTH_TOLERANCE));
      }
    },
  },
  context_applied: {
    when: ({ params }) => params['max_model_length'] !== undefined,
    check: asAsked('max_model_length'),
  },
  attention_applied: {
    when: hasKnob('attention'),
    check({ run, expect }) {
      const { asked, applied } = run.applied('attention');
      // `aiter` is asked for, `ROCM_AITER_UNIFIED_ATTN` is one of its ways.
      expect(String(applied).toLowerCase()).toContain(String(asked).toLowerCase());
    },
  },
});
