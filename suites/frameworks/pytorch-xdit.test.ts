import { claims } from 'vitest-assay/claims';
import type { ClaimContext } from 'vitest-assay/claims';

const isVideo = ({ params }: ClaimContext['cell']): boolean => params['pipeline'] !== 'flux_t2i';

/** Tier 4: the pipelines of xDiT make what the config asks for. */
export default claims({
  parallelism_applied: {
    check({ run, expect }) {
      const degrees = ['ulysses_degree', 'ring_degree'].map((name) => run.applied(name));
      expect(degrees.map(({ applied }) => applied)).toEqual(degrees.map(({ asked }) => asked));
    },
  },
  frames_applied: {
    when: (cell) => isVideo(cell) && cell.params['frame_num'] !== undefined,
    check({ run, expect }) {
      const { asked, applied } = run.applied('frame_num');
      expect(applied).toBe(asked);
    },
  },
  every_picture_timed: {
    async check({ run, expect }) {
      const samples = await run.samples();
      const times = run.evaluable(samples.numeric('generation_ms'), 'the time of any picture');
      expect([...times].filter((time) => time > 0)).toHaveLength(run.scalar('completed'));
    },
  },
  decoding_is_a_part: {
    when: (cell) => !isVideo(cell),
    async check({ run, expect }) {
      const samples = await run.samples();
      const whole = run.evaluable(samples.numeric('generation_ms'), 'the time of any picture');
      const decoding = run.evaluable(samples.numeric('vae_decode_ms'), 'the time of any decoding');
      const known = [...decoding].map((time, row) => [time, whole[row] ?? NaN] as const).filter(([time]) => time >= 0);
      run.evaluable(known.length === 0 ? null : known.length, 'the time of any decoding');
      expect(known.filter(([time, all]) => time >= all)).toEqual([]);
    },
  },
});
