import { claims } from 'vitest-assay/claims';

/** Tier 5: the rates that the config bounds. */
export default claims({
  throughput: { benchmark: 'throughput', check: ({ run }) => run.verdict('throughput') },
  total_token_throughput: {
    benchmark: 'total_token_throughput',
    check: ({ run }) => run.verdict('total_token_throughput'),
  },
  request_throughput: { benchmark: 'request_throughput', check: ({ run }) => run.verdict('request_throughput') },
  tokens_per_gpu: { benchmark: 'tokens_per_gpu', check: ({ run }) => run.verdict('tokens_per_gpu') },
  tflops_per_gpu: { benchmark: 'tflops_per_gpu', check: ({ run }) => run.verdict('tflops_per_gpu') },
  image_throughput: { benchmark: 'image_throughput', check: ({ run }) => run.verdict('image_throughput') },
  video_throughput: { benchmark: 'video_throughput', check: ({ run }) => run.verdict('video_throughput') },
  goodput: { benchmark: 'goodput', check: ({ run }) => run.verdict('goodput') },
});
