import { claims } from 'vitest-assay/claims';

/** The published experts are MXFP4: four bits, with a scale that each block of 32 shares. */
const PUBLISHED = 'mxfp4';

/** Tier 6: what is known about gpt-oss-120b. */
export default claims({
  quant_conversion_consistent: {
    check({ run, cell, expect }) {
      run.requirePhase('parse');
      const { quant } = run.manifest.result.applied;
      const inForce = formatOf(run.evaluable(quant?.applied ?? null, 'the quant in force'));
      // A checkpoint that no kernel of the host can read is converted as it is loaded, and answers all the same.
      const { precision: stored = PUBLISHED } = run.manifest.model_descriptor;
      const asked = cell.knobs['quant'] ?? stored;
      expect({ inForce, weights: formatOf(stored) }).toEqual({ inForce: formatOf(asked), weights: formatOf(asked) });
    },
  },
});

/** `mxfp4` and `fp4` are one format. */
function formatOf(word: unknown): string {
  const text = String(word).toLowerCase();
  return text.includes('fp4') ? 'fp4' : text;
}
