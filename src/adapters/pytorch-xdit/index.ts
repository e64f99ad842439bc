import type { Framework } from '../../lifecycle/adapter.ts';
import { pytorchXditSpec } from './params.ts';

/** Diffusion pipelines on xDiT: images with Flux, videos with Wan. */
export const pytorchXdit: Framework = { spec: pytorchXditSpec, launchVersion: 1, create: null };
