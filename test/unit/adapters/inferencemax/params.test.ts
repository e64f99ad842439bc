import { describe, expect, it } from 'vitest';
import { inferencemax } from '../../../../src/adapters/inferencemax/index.ts';
import { homeless, mistakesOf, oddAxes, paramsFrom, violationsOf } from '../shared/spec-probe.ts';
import type { Counterparts } from '../shared/spec-probe.ts';

const { spec } = inferencemax;

const CELL = { server_script: 'gptoss_fp4_mi300x.sh', concurrency: 64, isl: 8192, osl: 1024 };

const GPT_OSS: Counterparts = {
  inferencemax_repo: ['inferencemax_repo', 'https://example.test/InferenceX.git'],
  backend: ['bench_backend', 'vllm'],
  port_no: ['port', 8000],
  dataset_name: ['dataset_name', 'random'],
  max_concurrency: ['concurrency', 64],
  num_prompts: ['num_prompts', 1000],
  input_sequence_length: ['isl', 8192],
  output_sequence_length: ['osl', 1024],
  burstiness: ['burstiness', 1],
  max_model_length: ['max_model_length', 9216],
  random_range_ratio: ['random_range_ratio', 0.8],
  random_prefix_len: ['random_prefix_len', 0],
  tensor_parallelism: ['tensor_parallelism', 8],
  tokenizer_mode: ['tokenizer_mode', 'auto'],
  percentiles_metrics: ['percentile_metrics', ['ttft', 'tpot', 'itl', 'e2el']],
  metric_percentiles: ['metric_percentiles', [99]],
  server_script: ['server_script', 'gptoss_fp4_mi300x.sh'],
};

const ELSEWHERE = {
  seed: 'seed',
  model: 'model.hf_repo',
  base_url: 'topology.roles',
  nnodes: 'topology.roles.server.count',
  bench_serv_script: 'framework',
  hf_token_file: 'secrets.hf_token',
  result_dict: 'thresholds',
};

describe('the config of the older suite', () => {
  it('has a counterpart for each param', () => {
    const params = paramsFrom(GPT_OSS);
    for (const [field] of Object.values(GPT_OSS)) expect(spec.params.shape).toHaveProperty(field);
    expect(mistakesOf(spec, params)).toEqual([]);
    expect(violationsOf(spec, params, { server: { count: 4, gpus_per_node: 8 } })).toEqual([]);
  });

  it('keep their other settings in the blocks that all frameworks share', () => {
    expect(homeless(ELSEWHERE)).toEqual([]);
  });
});

describe('params', () => {
  it('have no unknown field', () => {
    expect(mistakesOf(spec, { ...CELL, tp: 8 })).toEqual([': Unrecognized key: "tp"']);
  });

  it.each<[string, object, string]>([
    [
      'a recipe in a folder',
      { ...CELL, server_script: 'benchmarks/gptoss_fp4_mi300x.sh' },
      'server_script: the file name of a recipe, e.g. gptoss_fp4_mi300x.sh',
    ],
    [
      'a context that is too small',
      { ...CELL, max_model_length: 9215 },
      'max_model_length: isl + osl must fit into max_model_length: set at least 9216',
    ],
    [
      'a prompt length for recorded prompts',
      { ...CELL, dataset_name: 'hf' },
      'isl: remove it: the prompts of hf have lengths of their own',
    ],
    [
      'expert groups that do not divide the GPUs',
      { ...CELL, tensor_parallelism: 8, expert_parallelism: 3 },
      'expert_parallelism: set a divisor of tensor_parallelism (8)',
    ],
    [
      'two places for the recipes',
      { ...CELL, inferencemax_repo: 'https://example.test/x.git', inferencemax_path: '/opt/x' },
      'inferencemax_path: remove it, or inferencemax_repo: the recipes come from one place',
    ],
    [
      'a repository with a token in its address',
      { ...CELL, inferencemax_repo: 'https://user:ghp_x@example.test/x.git' },
      'inferencemax_repo: must not hold credentials: what stands here ends up in manifests; let git of the nodes know them',
    ],
    ['a commit of nothing', { ...CELL, inferencemax_ref: 'v1' }, 'inferencemax_ref: set inferencemax_repo, too'],
    [
      'a number of requests that the recipe decides',
      { ...CELL, recipe_sends_load: true, num_prompts: 8 },
      'num_prompts: remove it: the recipe decides how many it sends',
    ],
    [
      'a flag that a param sets',
      { ...CELL, bench_args: { 'num-prompts': 8 } },
      'bench_args.num-prompts: set params.num_prompts instead',
    ],
  ])('refuse %s', (_name, params, mistake) => {
    expect(mistakesOf(spec, { ...params })).toEqual([mistake]);
  });

  it('cannot do without a recipe and requests in flight', () => {
    expect(mistakesOf(spec, { isl: 8, osl: 8 }).map((mistake) => mistake.split(':')[0])).toEqual([
      'server_script',
      'concurrency',
    ]);
  });
});

describe('constraints', () => {
  it('compare the tensor parallel GPUs with those of the servers', () => {
    const params = { ...CELL, tensor_parallelism: 16 };
    expect(violationsOf(spec, params, { server: { count: 1, gpus_per_node: 8 } })).toEqual([
      {
        field: 'tensor_parallelism',
        message: 'tensor_parallelism = 16, but role server has 8 GPUs (1 node x 8)',
        hint: 'make it at most 8, or raise count or gpus_per_node',
      },
    ]);
    expect(violationsOf(spec, params, { server: { count: 2, gpus_per_node: 8 } })).toEqual([]);
  });

  it('count neither expert groups nor data parallel attention', () => {
    const params = { ...CELL, tensor_parallelism: 8, expert_parallelism: 8, dp_attention: true };
    expect(violationsOf(spec, params, { server: { count: 1, gpus_per_node: 8 } })).toEqual([]);
  });
});

describe('inferencemax', () => {
  it('can be launched', () => {
    expect(inferencemax).toMatchObject({ launchVersion: 1, create: expect.any(Function) as unknown });
    expect(spec).toMatchObject({
      name: 'inferencemax',
      workloadKind: 'inference',
      container: 'optional',
      roles: { required: ['server'], optional: ['client'] },
      predicates: [],
    });
  });

  it('names each axis once, after a param', () => {
    expect(oddAxes(spec)).toEqual([]);
  });

  it('emits what the requirement judges, and its batches', () => {
    expect(spec.metrics).toEqual(
      expect.arrayContaining(['ttft_ms', 'tpot_ms', 'throughput', 'latency_ms', 'tokens', 'throughput_tps']),
    );
  });
});
