import { describe, expect, it } from 'vitest';
import { vllm } from '../../../../src/adapters/vllm/index.ts';
import { homeless, mistakesOf, oddAxes, paramsFrom, violationsOf } from '../shared/spec-probe.ts';
import type { Counterparts } from '../shared/spec-probe.ts';

const { spec } = vllm;

const REQUIRED = { tensor_parallelism: 1, max_model_length: 9216, num_prompts: 3200 };
const LOAD = { concurrency: 16, isl: 1024, osl: 1024 };

describe('the configs of the requirement', () => {
  it.each([
    { isl: 1024, osl: 1024 },
    { isl: 4096, osl: 128 },
  ])('are valid at $isl/$osl', (lengths) => {
    for (const concurrency of [16, 32, 64]) {
      const params = { ...REQUIRED, ...lengths, concurrency };
      expect(mistakesOf(spec, params)).toEqual([]);
      expect(violationsOf(spec, params, { server: { count: 1, gpus_per_node: 8, selector: 'mi355x' } })).toEqual([]);
    }
  });

  it('may have their knobs, and further ones', () => {
    const knobs = { attention: 'aiter', quant: 'fp4', backend: 'vllm-native', fused_moe: 'aiter_a16w4', spin: 3 };
    expect(spec.knobs.parse(knobs)).toEqual(knobs);
    expect(spec.knobs.safeParse({ attention: 3 }).success).toBe(false);
  });

  it('get the defaults of the tool, and none where it decides itself', () => {
    expect(spec.params.parse({ ...REQUIRED, ...LOAD })).toEqual({
      ...REQUIRED,
      ...LOAD,
      pipeline_parallelism: 1,
      data_parallelism: 1,
      burstiness: 1,
      load_client: 'vllm_bench',
      dataset_name: 'random',
      bench_backend: 'vllm',
      tokenizer_mode: 'auto',
      percentile_metrics: ['ttft', 'tpot', 'itl', 'e2el'],
      metric_percentiles: [50, 90, 95, 99],
      port: 8000,
      master_port: 29_501,
    });
  });
});

const MEGA: Counterparts = {
  backend: ['bench_backend', 'vllm'],
  port_no: ['port', 8888],
  dataset_name: ['dataset_name', 'random'],
  concurrency_levels: ['concurrency', 16],
  num_prompts: ['num_prompts', 3200],
  'sequence_combinations.isl': ['isl', 1024],
  'sequence_combinations.osl': ['osl', 8192],
  burstiness: ['burstiness', 1],
  request_rate: ['request_rate', 'inf'],
  max_model_length: ['max_model_length', 9216],
  random_range_ratio: ['random_range_ratio', 0.8],
  random_prefix_len: ['random_prefix_len', 0],
  tensor_parallelism: ['tensor_parallelism', 8],
  tokenizer_mode: ['tokenizer_mode', 'auto'],
  percentile_metrics: ['percentile_metrics', ['ttft', 'tpot', 'itl', 'e2el']],
  metric_percentiles: ['metric_percentiles', [99]],
};

const DEEPSEEK_SINGLE: Counterparts = {
  backend: ['bench_backend', 'vllm'],
  port_no: ['port', 8888],
  dataset_name: ['dataset_name', 'random'],
  burstiness: ['burstiness', 1],
  request_rate: ['request_rate', 'inf'],
  random_range_ratio: ['random_range_ratio', 0],
  random_prefix_len: ['random_prefix_len', 0],
  tensor_parallelism: ['tensor_parallelism', 8],
  pipeline_parallel_size: ['pipeline_parallelism', 1],
  tokenizer_mode: ['tokenizer_mode', 'auto'],
  percentile_metrics: ['percentile_metrics', ['ttft', 'tpot', 'itl', 'e2el']],
  metric_percentiles: ['metric_percentiles', [50, 90, 95, 99]],
  num_prompts: ['num_prompts', 320],
  'sequence_combinations.isl': ['isl', 1024],
  'sequence_combinations.osl': ['osl', 1024],
  'runs.concurrency': ['concurrency', 16],
  'serve_args.trust-remote-code': ['trust_remote_code', true],
};

const LLAMA_DISTRIBUTED: Counterparts = {
  ...DEEPSEEK_SINGLE,
  random_range_ratio: ['random_range_ratio', 0.8],
  pipeline_parallel_size: ['pipeline_parallelism', 2],
  master_port: ['master_port', 29_501],
  num_prompts: ['num_prompts', 3200],
  'sequence_combinations.isl': ['isl', 1000],
  'sequence_combinations.osl': ['osl', 1000],
  'serve_args.kv-cache-dtype': ['kv_cache_dtype', 'fp8'],
  'serve_args.enforce-eager': ['enforce_eager', true],
};

const ELSEWHERE = {
  seed: 'seed',
  model: 'model.hf_repo',
  container_image: 'container.image',
  server_script: 'framework',
  bench_serv_script: 'framework',
  base_url: 'topology.roles',
  master_addr: 'topology.roles',
  nnodes: 'topology.roles.server.count',
  client_poll_count: 'timeouts.total',
  'roles.server.env': 'container.env',
  goodput_slo: 'thresholds',
  result_dict: 'thresholds',
};

describe('the configs of the older suite', () => {
  it.each([
    ['mega config', MEGA, 1],
    ['deepseek, one node', DEEPSEEK_SINGLE, 1],
    ['llama 70b, two nodes', LLAMA_DISTRIBUTED, 2],
  ])('%s: each param has its counterpart', (_name, counterparts, count) => {
    const params = paramsFrom(counterparts);
    for (const [field] of Object.values(counterparts)) expect(spec.params.shape).toHaveProperty(field);
    expect(mistakesOf(spec, params)).toEqual([]);
    expect(violationsOf(spec, params, { server: { count, gpus_per_node: 8 } })).toEqual([]);
  });

  it('keep their other settings in the blocks that all frameworks share', () => {
    expect(homeless(ELSEWHERE)).toEqual([]);
  });
});

describe('params', () => {
  it('have no unknown field', () => {
    expect(mistakesOf(spec, { ...LOAD, tensor_paralelism: 8 })).toEqual([': Unrecognized key: "tensor_paralelism"']);
  });

  it.each<[string, object, string]>([
    [
      'no arrival',
      { isl: 8, osl: 8 },
      'concurrency: set concurrency (closed loop), request_rate (open loop), or both (open loop, capped)',
    ],
    ['no prompt length', { concurrency: 1, osl: 8 }, 'isl: set isl, the prompt length of dataset random'],
    ['no output length', { concurrency: 1, isl: 8 }, 'osl: set osl, the output length of dataset random'],
    [
      'a prompt length for recorded prompts',
      { concurrency: 1, dataset_name: 'sharegpt', isl: 8 },
      'isl: remove it: the prompts of sharegpt have lengths of their own',
    ],
    [
      'a context that is too small',
      { ...LOAD, max_model_length: 2047 },
      'max_model_length: isl + osl must fit into max_model_length: set at least 2048',
    ],
    ['a rate of zero', { ...LOAD, request_rate: 0 }, 'request_rate: requests per second, above 0'],
    [
      'a flag that a param sets',
      { ...LOAD, serve_args: { 'tensor-parallel-size': 8 } },
      'serve_args.tensor-parallel-size: set params.tensor_parallelism instead',
    ],
    [
      'a flag that a param of the same name sets, turned off',
      { ...LOAD, serve_args: { '--no-enable-prefix-caching': true } },
      'serve_args.--no-enable-prefix-caching: set params.enable_prefix_caching instead',
    ],
    ['a host', { ...LOAD, bench_args: { host: 'node1' } }, 'bench_args.host: set topology.roles instead'],
  ])('refuse %s', (_name, params, mistake) => {
    expect(mistakesOf(spec, { ...params })).toEqual([mistake]);
  });

  it.each([
    { random_range_ratio: 0.5 },
    { random_prefix_len: 8 },
    { ignore_eos: false },
    { temperature: 0.7 },
    { bench_args: { 'top-p': 0.9 } },
  ])('leave to the client of vLLM what our own does not do: %o', (params) => {
    expect(mistakesOf(spec, { ...LOAD, ...params })).toEqual([]);
    expect(mistakesOf(spec, { ...LOAD, load_client: 'assay', ...params })).toEqual([
      `${Object.keys(params).join('')}: remove it, or write load_client: vllm_bench: our own client does not do that`,
    ]);
  });

  it('limit the time of a request only for our own client', () => {
    const limited = { ...LOAD, request_timeout_s: 60 };
    expect(mistakesOf(spec, { ...limited, load_client: 'assay' })).toEqual([]);
    expect(mistakesOf(spec, limited)).toEqual([
      'request_timeout_s: remove it, or write load_client: assay: vllm bench serve has none to set',
    ]);
  });

  it.each<[string, object]>([
    ['an open loop', { isl: 8, osl: 8, request_rate: 4.5 }],
    ['an open loop with a cap', { isl: 8, osl: 8, request_rate: 4, concurrency: 64 }],
    ['recorded prompts with outputs of one length', { concurrency: 1, dataset_name: 'sharegpt', osl: 128 }],
    ['a context that is just large enough', { ...LOAD, max_model_length: 2048 }],
    [
      'further flags',
      { ...LOAD, serve_args: { 'cudagraph-capture-sizes': '1,2', seed_offset: 1, 'disable-log-stats': true } },
    ],
  ])('accept %s', (_name, params) => {
    expect(mistakesOf(spec, { ...params })).toEqual([]);
  });

  it.each(['dtype', 'dataset_name', 'bench_backend', 'scheduling_policy', 'distributed_executor_backend'])(
    'know the values of %s',
    (field) => {
      expect(mistakesOf(spec, { ...LOAD, [field]: 'sideways' })).toHaveLength(1);
    },
  );
});

describe('constraints', () => {
  it('compare the GPUs that the degrees take with those of the servers', () => {
    const params = { ...LOAD, tensor_parallelism: 8, pipeline_parallelism: 2 };
    expect(violationsOf(spec, params, { server: { count: 1, gpus_per_node: 8 }, client: { count: 1 } })).toEqual([
      {
        field: 'tensor_parallelism',
        message:
          'tensor_parallelism*pipeline_parallelism*data_parallelism = 8*2*1 = 16, but role server has 8 GPUs (1 node x 8)',
        hint: 'make the product at most 8, or raise count or gpus_per_node',
      },
    ]);
    expect(violationsOf(spec, params, { server: { count: 2, gpus_per_node: 8 } })).toEqual([]);
    expect(
      violationsOf(spec, { ...params, data_parallelism: 2 }, { server: { count: 2, gpus_per_node: 8 } }),
    ).toHaveLength(1);
  });
});

describe('vllm', () => {
  it('is launched by an adapter of its own for each run', () => {
    expect(vllm.create?.()).not.toBe(vllm.create?.());
    expect(spec).toMatchObject({
      name: 'vllm',
      workloadKind: 'inference',
      container: 'optional',
      roles: { required: ['server'], optional: ['client'] },
      predicates: ['error_rate', 'health'],
    });
  });

  it('names each axis once, after a param', () => {
    expect(oddAxes(spec)).toEqual([]);
  });

  it('emits what the requirement judges', () => {
    expect(spec.metrics).toEqual(
      expect.arrayContaining(['ttft_ms', 'tpot_ms', 'itl_ms', 'e2el_ms', 'output_tokens', 'throughput', 'goodput']),
    );
    expect(spec.metrics).toEqual(
      expect.arrayContaining(['requests_running', 'queue_depth', 'memory_pressure', 'healthy']),
    );
  });
});
