import { claims } from 'vitest-assay/claims';

/** Tier 5: the rates that the config bounds. */
export default claims({
  throughput: { benchmark: 'throughput', check: ({ run }) => run.verdict('throughput') },
  image_throughput: { benchmark: 'image_throughput', check: ({ run }) => run.verdict('image_throughput') },
  video_throughput: { benchmark: 'video_throughput', check: ({ run }) => run.verdict('video_throughput') },
  goodput: { benchmark: 'goodput', check: ({ run }) => run.verdict('goodput') },
});
