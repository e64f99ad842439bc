import { describe, expect, it } from 'vitest';
import { sglangDisagg } from '../../../../src/adapters/sglang-disagg/index.ts';
import { homeless, mistakesOf, oddAxes, paramsFrom, violationsOf } from '../shared/spec-probe.ts';
import type { Counterparts } from '../shared/spec-probe.ts';

const { spec } = sglangDisagg;

const LOAD = { concurrency: 64, isl: 1024, osl: 1024 };

const rolesOf = (prefill: number, decode: number) => ({
  prefill: { count: prefill, gpus_per_node: 8, selector: 'mi300x' },
  decode: { count: decode, gpus_per_node: 8, selector: 'mi300x' },
  router: { count: 1 },
  bench: { count: 1 },
});

describe('the P/D splits of the requirement', () => {
  it.each([
    [2, 2],
    [1, 3],
  ])('%ip%id is valid', (prefill, decode) => {
    for (const concurrency of [32, 64]) {
      const params = { ...LOAD, concurrency, tensor_parallelism: 8 };
      expect(mistakesOf(spec, params)).toEqual([]);
      expect(violationsOf(spec, params, rolesOf(prefill, decode))).toEqual([]);
    }
  });
});

const SERVERS: Counterparts = {
  backend: ['bench_backend', 'sglang'],
  max_concurrency: ['concurrency', 64],
  prefill_policy: ['prefill_policy', 'cache_aware'],
  decode_policy: ['decode_policy', 'cache_aware'],
  tensor_parallelism: ['tensor_parallelism', 8],
  memory_fraction: ['mem_fraction_static', 0.7],
  tokenizer_mode: ['tokenizer_mode', 'auto'],
  log_level: ['log_level', 'info'],
  nccl_ib_hca: ['disaggregation_ib_device', 'rdma0,rdma1,rdma2,rdma3,rdma4,rdma5,rdma6,rdma7'],
  prefill_serv_port: ['prefill_port', 30_001],
  decode_serv_port: ['decode_port', 30_002],
  proxy_router_port: ['router_port', 8000],
  prefill_coordinator_port: ['prefill_dist_init_port', 40_001],
  decode_coordinator_port: ['decode_dist_init_port', 40_002],
};

const RANDOM: Counterparts = {
  ...SERVERS,
  'bench_serv_random.data_set_name': ['dataset_name', 'random'],
  'bench_serv_random.num_prompts': ['num_prompts', 3000],
  'bench_serv_random.input_length': ['isl', 1024],
  'bench_serv_random.output_length': ['osl', 1024],
  'bench_serv_random.random_range_ratio': ['random_range_ratio', 0.5],
};

const SHARED_PREFIX: Counterparts = {
  ...SERVERS,
  'inference_tests.bench_serv_generated_shared_prefix': ['dataset_name', 'generated-shared-prefix'],
  gsp_num_groups: ['gsp_num_groups', 1],
  gsp_prompts_per_group: ['gsp_prompts_per_group', 16],
  gsp_system_prompt_len: ['gsp_system_prompt_len', 0],
  gsp_question_len: ['gsp_question_len', 1024],
  gsp_output_len: ['gsp_output_len', 1024],
};

const TWO_NODE_SERVERS: Counterparts = {
  ...RANDOM,
  pipeline_parallelism: ['pipeline_parallelism', 2],
  memory_fraction: ['mem_fraction_static', 0.85],
  context_length: ['max_model_length', 205_000],
};

const ELSEWHERE = {
  model: 'model.hf_repo',
  prefill_node_list: 'topology.roles.prefill',
  decode_node_list: 'topology.roles.decode',
  proxy_router_node: 'topology.roles.router',
  benchmark_serv_node: 'topology.roles.bench',
  prefill_coordinator_addr: 'topology.roles.prefill',
  decode_coordinator_addr: 'topology.roles.decode',
  nccl_ib_gid_index: 'container.env',
  nccl_socket_ifname: 'container.env',
  add_export_env: 'container.env',
  add_flags: 'knobs.attention',
  inference_poll_iterations: 'timeouts.total',
  hf_token_file: 'secrets.hf_token',
  expected_results: 'thresholds',
};

describe('the configs of the older suite', () => {
  it.each([
    ['random prompts', RANDOM, 1],
    ['shared beginnings', SHARED_PREFIX, 1],
    ['servers on two nodes', TWO_NODE_SERVERS, 2],
  ])('%s: each param has its counterpart', (_name, counterparts, count) => {
    const params = paramsFrom(counterparts);
    for (const [field] of Object.values(counterparts)) expect(spec.params.shape).toHaveProperty(field);
    expect(mistakesOf(spec, params)).toEqual([]);
    expect(violationsOf(spec, params, rolesOf(count, count))).toEqual([]);
  });

  it('deepseek-r1 takes 16 GPUs on either side', () => {
    expect(violationsOf(spec, { ...LOAD, tensor_parallelism: 16 }, rolesOf(2, 2))).toEqual([]);
    expect(violationsOf(spec, { ...LOAD, tensor_parallelism: 16 }, rolesOf(2, 1))).toHaveLength(1);
  });

  it('keep their other settings in the blocks that all frameworks share', () => {
    expect(homeless(ELSEWHERE)).toEqual([]);
  });
});

describe('params', () => {
  it('have no unknown field', () => {
    expect(mistakesOf(spec, { ...LOAD, memory_fraction: 0.7 })).toEqual([': Unrecognized key: "memory_fraction"']);
  });

  it.each<[string, object, string]>([
    [
      'no arrival',
      { isl: 8, osl: 8 },
      'concurrency: set concurrency (closed loop), request_rate (open loop), or both (open loop, capped)',
    ],
    ['no prompt length', { concurrency: 1, osl: 8 }, 'isl: set isl, the prompt length of dataset random'],
    [
      'a context that is too small',
      { ...LOAD, max_model_length: 1500 },
      'max_model_length: isl + osl must fit into max_model_length: set at least 2048',
    ],
    ['pieces of no tokens', { ...LOAD, chunked_prefill_size: 0 }, 'chunked_prefill_size: a number of tokens, or -1'],
    [
      'lengths of another dataset',
      { ...LOAD, gsp_num_groups: 4 },
      'gsp_num_groups: remove it, or set dataset_name: generated-shared-prefix',
    ],
    [
      'an output length where groups have their own',
      { concurrency: 1, dataset_name: 'generated-shared-prefix', osl: 8 },
      'osl: set gsp_output_len instead',
    ],
    [
      'expert groups that do not divide the GPUs',
      { ...LOAD, tensor_parallelism: 8, expert_parallelism: 3 },
      'expert_parallelism: set a divisor of tensor_parallelism (8)',
    ],
    [
      'attention groups that do not divide the GPUs of one role',
      { ...LOAD, tensor_parallelism: 8, data_parallelism: 8, decode_tensor_parallelism: 4, enable_dp_attention: true },
      'data_parallelism: set a divisor of decode_tensor_parallelism (4)',
    ],
    [
      'a flag that a param sets',
      { ...LOAD, serve_args: { 'mem-fraction-static': 0.8 } },
      'serve_args.mem-fraction-static: set params.mem_fraction_static instead',
    ],
    [
      'a degree behind the back of its role',
      { ...LOAD, decode_serve_args: { tp: 16 } },
      'decode_serve_args.tp: set params.decode_tensor_parallelism instead',
    ],
    [
      'an attention backend beside the knob',
      { ...LOAD, serve_args: { 'attention-backend': 'aiter' } },
      'serve_args.attention-backend: set knobs.attention instead',
    ],
    [
      'a policy for both sides',
      { ...LOAD, router_args: { policy: 'random' } },
      'router_args.policy: set params.prefill_policy and params.decode_policy instead',
    ],
    [
      'a flag of the load client that a param sets',
      { ...LOAD, bench_args: { 'max-concurrency': 8 } },
      'bench_args.max-concurrency: set params.concurrency instead',
    ],
  ])('refuse %s', (_name, params, mistake) => {
    expect(mistakesOf(spec, { ...params })).toEqual([mistake]);
  });

  it.each<[string, object]>([
    ['prompts taken whole', { ...LOAD, chunked_prefill_size: -1 }],
    ['replicas that are not groups', { ...LOAD, tensor_parallelism: 1, data_parallelism: 8 }],
    ['what differs between the roles', { ...LOAD, prefill_serve_args: { 'mem-fraction-static': 0.8 } }],
    ['prefill by length', { ...LOAD, prefill_policy: 'bucket' }],
  ])('accept %s', (_name, params) => {
    expect(mistakesOf(spec, { ...params })).toEqual([]);
  });

  it.each(['disaggregation_transfer_backend', 'dataset_name', 'deepep_mode', 'log_level', 'prefill_policy'])(
    'know the values of %s',
    (field) => {
      expect(mistakesOf(spec, { ...LOAD, [field]: 'sideways' })).toHaveLength(1);
    },
  );

  it('know that only prefill is routed by length', () => {
    expect(mistakesOf(spec, { ...LOAD, decode_policy: 'bucket' })).toHaveLength(1);
  });
});

describe('constraints', () => {
  it('hold each role to its own GPUs', () => {
    const params = { ...LOAD, tensor_parallelism: 8, prefill_pipeline_parallelism: 2, decode_data_parallelism: 4 };
    expect(violationsOf(spec, params, rolesOf(1, 3))).toEqual([
      {
        field: 'tensor_parallelism',
        message:
          'tensor_parallelism*prefill_pipeline_parallelism*data_parallelism = 8*2*1 = 16, but role prefill has 8 GPUs (1 node x 8)',
        hint: 'make the product at most 8, or raise count or gpus_per_node',
      },
      {
        field: 'tensor_parallelism',
        message:
          'tensor_parallelism*pipeline_parallelism*decode_data_parallelism = 8*1*4 = 32, but role decode has 24 GPUs (3 nodes x 8)',
        hint: 'make the product at most 24, or raise count or gpus_per_node',
      },
    ]);
  });

  it('blame the degree of the role alone', () => {
    expect(violationsOf(spec, { ...LOAD, decode_tensor_parallelism: 16 }, rolesOf(1, 1))).toEqual([
      {
        field: 'decode_tensor_parallelism',
        message:
          'decode_tensor_parallelism*pipeline_parallelism*data_parallelism = 16*1*1 = 16, but role decode has 8 GPUs (1 node x 8)',
        hint: 'make the product at most 8, or raise count or gpus_per_node',
      },
    ]);
  });

  it('do not count the groups of data parallel attention', () => {
    const params = { ...LOAD, tensor_parallelism: 8, data_parallelism: 8 };
    expect(violationsOf(spec, { ...params, enable_dp_attention: true }, rolesOf(1, 1))).toEqual([]);
    expect(violationsOf(spec, params, rolesOf(1, 1))).toHaveLength(2);
  });
});

describe('sglang_disagg', () => {
  it('can be launched', () => {
    expect(sglangDisagg).toMatchObject({ launchVersion: 1, create: expect.any(Function) });
    expect(spec).toMatchObject({
      name: 'sglang_disagg',
      workloadKind: 'inference',
      container: 'optional',
      roles: { required: ['prefill', 'decode'], optional: ['router', 'bench'] },
      predicates: ['router_balance', 'error_rate', 'health'],
    });
  });

  it('takes knobs such as a Mooncake backend', () => {
    expect(spec.knobs.parse({ backend: 'mooncake', attention: 'aiter', quant: 'fp8' })).toMatchObject({
      backend: 'mooncake',
    });
  });

  it('names each axis once, after a param', () => {
    expect(oddAxes(spec)).toEqual([]);
  });

  it('emits the handoff and what the router sees', () => {
    expect(spec.metrics).toEqual(
      expect.arrayContaining([
        'ttft_ms',
        'kv_transfer_ms',
        'router_queue',
        'decode_kv_cache_util',
        'per_role_startup_ms',
      ]),
    );
  });
});
