import { claims } from 'vitest-assay/claims';
import type { Series } from 'vitest-assay/claims';

/** What a rank reports of each of its steps, or of none. */
const OF_EVERY_STEP = ['loss', 'step_time_ms', 'compute_ms', 'comm_ms', 'weights_checksum'];

/** Tier 3: the ranks of a training work together, and none holds up the others. */
export default claims({
  no_straggler: { benchmark: 'no_straggler', check: ({ run }) => run.verdict('no_straggler') },
  per_rank_step_sync: {
    async check({ run, expect }) {
      const series = await run.trajectory();
      const ranksOf = (name: string): readonly Series[] => series.filter(({ metric }) => metric === name);
      const compared = OF_EVERY_STEP.map(ranksOf).filter(({ length }) => length > 1);
      for (const ranks of run.evaluable(compared.length === 0 ? null : compared, 'any step of more than one rank')) {
        expect(unlikeFirst(ranks, 'steps')).toEqual([]);
      }
      // After each step all ranks hold the same weights.
      expect(unlikeFirst(ranksOf('weights_checksum'), 'values')).toEqual([]);
    },
  },
});

/** The ranks that differ from the first; a value that is no number differs from any. */
function unlikeFirst([first, ...others]: readonly Series[], column: 'steps' | 'values'): readonly string[] {
  const expected = first?.[column] ?? new Float64Array();
  const isSame = ({ [column]: own }: Series): boolean =>
    own.length === expected.length && own.every((value, index) => value === expected[index]);
  return others
    .filter((series) => !isSame(series))
    .map(({ metric, host, rank }) => `${metric} of ${host}${rank === null ? '' : ` rank ${rank}`}`);
}
