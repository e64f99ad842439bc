import { describe, expect, it } from 'vitest';
import { pytorchXdit } from '../../../../src/adapters/pytorch-xdit/index.ts';
import { homeless, mistakesOf, oddAxes, paramsFrom, violationsOf } from '../shared/spec-probe.ts';
import type { Counterparts } from '../shared/spec-probe.ts';

const { spec } = pytorchXdit;

const FLUX = { pipeline: 'flux_t2i', prompt: 'A small cat' };
const WAN = { pipeline: 'wan_i2v', prompt: 'A white cat on a surfboard' };
const ONE_NODE = { worker: { count: 1, gpus_per_node: 8 } };

const FLUX1_DEV: Counterparts = {
  flux1_dev_t2i: ['pipeline', 'flux_t2i'],
  prompt: ['prompt', 'A small cat'],
  num_inference_steps: ['num_inference_steps', 25],
  max_sequence_length: ['max_sequence_length', 256],
  no_use_resolution_binning: ['no_use_resolution_binning', true],
  warmup_steps: ['warmup_steps', 1],
  warmup_calls: ['warmup_calls', 5],
  num_repetitions: ['num_repetitions', 25],
  height: ['height', 1024],
  width: ['width', 1024],
  ulysses_degree: ['ulysses_degree', 8],
  ring_degree: ['ring_degree', 1],
  use_torch_compile: ['use_torch_compile', true],
};

const WAN22_14B: Counterparts = {
  wan22_i2v_a14b: ['pipeline', 'wan_i2v'],
  prompt: ['prompt', 'Summer beach vacation style, a white cat'],
  size: ['size', '720*1280'],
  frame_num: ['frame_num', 81],
  num_benchmark_steps: ['num_benchmark_steps', 5],
  compile: ['use_torch_compile', true],
  torchrun_nproc: ['ulysses_degree', 8],
};

const ELSEWHERE = {
  seed: 'seed',
  model_repo: 'model.hf_repo',
  model_rev: 'model.revision',
  'flux1_dev_t2i.torchrun_nproc': 'topology.roles.worker.gpus_per_node',
  container_image: 'container.image',
  hf_token_file: 'secrets.hf_token',
  expected_results: 'thresholds',
};

describe('the configs of the older suite', () => {
  it.each([
    ['flux', FLUX1_DEV],
    ['wan', WAN22_14B],
  ])('%s: each param has its counterpart', (_name, counterparts) => {
    const params = paramsFrom(counterparts);
    for (const [field] of Object.values(counterparts)) expect(spec.params.shape).toHaveProperty(field);
    expect(mistakesOf(spec, params)).toEqual([]);
    expect(violationsOf(spec, params, ONE_NODE)).toEqual([]);
  });

  it('keep their other settings in the blocks that all frameworks share', () => {
    expect(homeless(ELSEWHERE)).toEqual([]);
  });
});

describe('params', () => {
  it('have no unknown field', () => {
    expect(mistakesOf(spec, { ...FLUX, torchrun_nproc: 8 })).toEqual([': Unrecognized key: "torchrun_nproc"']);
  });

  it.each<[string, object, string]>([
    ['an option of Wan for Flux', { ...FLUX, frame_num: 81 }, 'frame_num: remove it: it is for wan_i2v and wan_t2v'],
    ['an option of Flux for Wan', { ...WAN, height: 720 }, 'height: remove it: it is for flux_t2i'],
    [
      'frames that Wan cannot make',
      { ...WAN, frame_num: 80 },
      'frame_num: write one more than a multiple of 4, e.g. 81',
    ],
    [
      'a flag that a param sets',
      { ...WAN, run_args: { 'ulysses-size': 8 } },
      'run_args.ulysses-size: set params.ulysses_degree instead',
    ],
    [
      'a number of processes beside the degrees',
      { ...FLUX, run_args: { nproc_per_node: 8 } },
      'run_args.nproc_per_node: set topology.roles.worker instead',
    ],
  ])('refuse %s', (_name, params, mistake) => {
    expect(mistakesOf(spec, { ...params })).toEqual([mistake]);
  });

  it('name all options of the wrong pipeline at once', () => {
    expect(mistakesOf(spec, { ...WAN, height: 720, width: 1280, warmup_calls: 1 })).toHaveLength(3);
  });

  it('say nothing of the other pipeline by default', () => {
    expect(spec.params.parse(FLUX)).toEqual({ ...FLUX, ulysses_degree: 1, ring_degree: 1, use_torch_compile: false });
  });

  it.each(['pipeline', 'size', 'sample_solver', 'vae_dtype'])('know the values of %s', (field) => {
    expect(mistakesOf(spec, { ...WAN, [field]: 'sideways' })).toHaveLength(1);
  });
});

describe('constraints', () => {
  it('compare the processes with the GPUs of the workers', () => {
    const params = { ...FLUX, ulysses_degree: 8, pipefusion_parallel_degree: 2 };
    expect(violationsOf(spec, params, ONE_NODE)).toEqual([
      {
        field: 'ulysses_degree',
        message:
          'ulysses_degree*ring_degree*pipefusion_parallel_degree = 8*1*2 = 16, but role worker has 8 GPUs (1 node x 8)',
        hint: 'make the product at most 8, or raise count or gpus_per_node',
      },
    ]);
    expect(violationsOf(spec, params, { worker: { count: 2, gpus_per_node: 8 } })).toEqual([]);
  });

  it.each(['ring_degree', 'tensor_parallel_degree', 'data_parallel_degree'])('count %s', (degree) => {
    expect(violationsOf(spec, { ...FLUX, [degree]: 8 }, ONE_NODE)).toEqual([]);
    expect(violationsOf(spec, { ...FLUX, [degree]: 9 }, ONE_NODE)).toMatchObject([{ field: degree }]);
  });

  it('want as many processes on every node', () => {
    expect(violationsOf(spec, { ...WAN, ulysses_degree: 6 }, { worker: { count: 4, gpus_per_node: 8 } })).toEqual([
      {
        field: 'ulysses_degree',
        message: 'ulysses_degree*ring_degree = 6*1 = 6 processes cannot be shared out evenly among 4 nodes',
        hint: 'make the product a multiple of 4, or change count',
      },
    ]);
  });
});

describe('pytorch_xdit', () => {
  it('can be launched', () => {
    expect(pytorchXdit).toMatchObject({ launchVersion: 1, create: expect.any(Function) as unknown });
    expect(spec).toMatchObject({
      name: 'pytorch_xdit',
      workloadKind: 'inference',
      container: 'optional',
      roles: { required: ['worker'], optional: [] },
      predicates: [],
    });
  });

  it('names each axis once, after a param', () => {
    expect(oddAxes(spec)).toEqual([]);
  });

  it('emits what the requirement judges of images and videos', () => {
    expect(spec.metrics).toEqual(
      expect.arrayContaining(['image_throughput', 'video_throughput', 'step_time_ms', 'generation_ms', 'fps']),
    );
  });
});
