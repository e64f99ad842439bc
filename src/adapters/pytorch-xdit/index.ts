import type { Framework } from '../../lifecycle/adapter.ts';
import { programAdapter } from '../shared/program-adapter.ts';
import { planPytorchXdit } from './launch.ts';
import { pytorchXditSpec } from './params.ts';
import { parsePytorchXdit } from './parse.ts';
import { watchPytorchXdit } from './progress.ts';

/** Diffusion pipelines on xDiT: images with Flux, videos with Wan. */
export const pytorchXdit: Framework = {
  spec: pytorchXditSpec,
  launchVersion: 1,
  sampleColumns: [
    {
      name: 'generation_ms',
      type: 'DOUBLE',
      unit: 'ms',
      description: 'The whole call of the pipeline for one picture.',
    },
    { name: 'vae_decode_ms', type: 'DOUBLE', unit: 'ms', description: 'The part of it that decoded the picture.' },
    { name: 'prompt_id', type: 'VARCHAR', description: 'Twelve hex digits of the sha256 of the prompt.' },
    { name: 'seed', type: 'BIGINT', description: 'Seed of the random numbers.' },
    {
      name: 'num_inference_steps',
      type: 'BIGINT',
      description: 'Denoising steps asked for; null leaves it to the pipeline.',
    },
    {
      name: 'step_time_ms',
      type: 'DOUBLE',
      unit: 'ms',
      description: 'generation_ms over num_inference_steps: a mean, for no script reports its single steps.',
    },
    { name: 'frames', type: 'BIGINT', description: 'Frames of the video.' },
    {
      name: 'latency_ms',
      type: 'DOUBLE',
      unit: 'ms',
      description: 'Mean time for a frame: generation_ms over frames.',
    },
    { name: 'fps', type: 'DOUBLE', unit: '1/s', description: 'Frames made per second of generation.' },
    {
      name: 'bitrate_kbps',
      type: 'DOUBLE',
      unit: 'kbit/s',
      description: 'Size of the saved video over its playing time; only the last video is saved.',
    },
  ],
  create: () => programAdapter({ plan: planPytorchXdit, watch: watchPytorchXdit, parse: parsePytorchXdit }),
};
