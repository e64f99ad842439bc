import { describe, expect, it } from 'vitest';
import { megatron } from '../../../../src/adapters/megatron/index.ts';
import { paramsOf } from '../legacy-options.ts';
import type { LegacyOption } from '../legacy-options.ts';

const { spec } = megatron;
const worker = (count: number, gpus_per_node: number) => ({
  roles: { worker: { count, gpus_per_node, selector: '' } },
});
const violations = (params: Readonly<Record<string, unknown>>, topology = worker(4, 8)) =>
  spec.constraints({ params: spec.params.parse(params), topology });

describe('the parallelism of four nodes of eight GPUs', () => {
  it.each([
    ['tp8_dp4', { tp: 8, pp: 1, dp: 4, fsdp: 1 }],
    ['tp4_pp2_dp4', { tp: 4, pp: 2, dp: 4, fsdp: 1 }],
    ['fsdp_only', { tp: 1, pp: 1, dp: 1, fsdp: 32 }],
  ])('can be %s', (_, degrees) => {
    for (const micro_batch_size of [1, 2]) expect(violations({ ...degrees, micro_batch_size })).toEqual([]);
  });

  it('cannot ask for 64 ranks', () => {
    expect(violations({ tp: 8, pp: 2, dp: 4, fsdp: 1, global_batch_size: 7 })).toEqual([
      {
        field: 'tp',
        message: 'tp*pp*dp*fsdp = 8*2*4*1 = 64, but role worker has 32 GPUs (4 nodes x 8)',
        hint: 'make the product 32, or change count or gpus_per_node',
      },
    ]);
  });

  it('has one rank for each GPU, whatever the degrees', () => {
    expect(spec.ranks({ params: spec.params.parse({}), topology: worker(4, 8) })).toBe(32);
  });
});

describe('the batches of four nodes of eight GPUs', () => {
  it.each([
    [{ tp: 8, dp: 4, micro_batch_size: 4, global_batch_size: 256 }],
    [{ dp: 32, micro_batch_size: 1, global_batch_size: 32 }],
    [{ dp: 4, fsdp: 8, cp: 4, micro_batch_size: 3, global_batch_size: 24 }],
    [{ dp: 4, fsdp: 8, cp: 16, micro_batch_size: 1 }],
  ])('can be %j', (params) => {
    expect(violations(params)).toEqual([]);
  });

  it('must be whole on every rank', () => {
    expect(violations({ tp: 2, dp: 4, fsdp: 4, cp: 2, micro_batch_size: 3, global_batch_size: 100 })).toEqual([
      {
        field: 'global_batch_size',
        message: 'global_batch_size = 100 is no multiple of micro_batch_size*dp*fsdp/cp = 3*4*4/2 = 24',
        hint: 'make it a multiple of 24',
      },
    ]);
  });

  it('leaves whole ranks to a context', () => {
    expect(violations({ tp: 4, pp: 2, dp: 2, fsdp: 2, cp: 3, global_batch_size: 7 })).toEqual([
      {
        field: 'cp',
        message: 'cp = 3 does not divide dp*fsdp = 2*2 = 4',
        hint: 'make cp a divisor of 4: it takes its ranks from dp and fsdp',
      },
    ]);
  });
});

describe('what Megatron-LM would refuse once every rank has started', () => {
  it.each([
    ['pp', { fsdp: 4, pp: 2 }, 'pp = 2 does not go with fsdp = 4', 'make pp 1, or fsdp 1'],
    ['ep', { fsdp: 8, ep: 2 }, 'ep = 2 does not go with fsdp = 8', 'make ep 1, or fsdp 1'],
    ['precision', { fsdp: 8, precision: 'TE_FP16' }, 'precision TE_FP16 does not go with fsdp = 8', 'write TE_BF16'],
    [
      'use_distributed_optimizer',
      { fsdp: 8, use_distributed_optimizer: true },
      'use_distributed_optimizer does not go with fsdp = 8',
      'remove it: fsdp shards the optimizer state, too',
    ],
    [
      'overlap_param_gather',
      { dp: 8, overlap_param_gather: true, use_distributed_optimizer: true },
      'overlap_param_gather needs overlap_grad_reduce',
      'set overlap_grad_reduce: true',
    ],
    [
      'overlap_param_gather',
      { dp: 8, overlap_param_gather: true, overlap_grad_reduce: true },
      'overlap_param_gather needs use_distributed_optimizer',
      'set use_distributed_optimizer: true',
    ],
    [
      'tp_comm_overlap',
      { tp: 8, tp_comm_overlap: true },
      'tp_comm_overlap needs sequence_parallel',
      'set sequence_parallel: true',
    ],
  ])('is %s of %j', (...[field, params, message, hint]) => {
    expect(violations(params, worker(1, 8))).toEqual([{ field, message, hint }]);
  });

  it.each([
    [{ fsdp: 4, dp: 2, ep: 2, precision: 'TE_FP16', overlap_param_gather: true, overlap_grad_reduce: true }],
    [{ tp: 2, dp: 4, tp_comm_overlap: true, sequence_parallel: true }],
    [{ pp: 2, dp: 4, use_distributed_optimizer: true, precision: 'TE_FP16' }],
  ])('is nothing of %j', (params) => {
    expect(violations(params, worker(1, 8))).toEqual([]);
  });
});

describe('the params of megatron', () => {
  it('fill in what the training script would', () => {
    expect(spec.params.parse({})).toEqual({
      tp: 1,
      pp: 1,
      dp: 1,
      fsdp: 1,
      cp: 1,
      ep: 1,
      micro_batch_size: 2,
      sequence_length: 2048,
      train_iters: 10,
      log_interval: 1,
      mock_data: true,
      precision: 'TE_BF16',
      recompute: 'none',
      optimizer: 'adam',
    });
  });

  it.each([
    ['an unknown field', { tensor_parallelism: 8 }],
    ['a number in quotes', { micro_batch_size: '4' }],
    ['half a rank', { tp: 0.5 }],
    ['no rank', { dp: 0 }],
    ['an unknown precision', { precision: 'TE_F16' }],
    ['a flag as a number', { sequence_parallel: 1 }],
    ['an explicit undefined', { lr: undefined }],
    ['a list as an option', { extra_args: { 'moe-layer-freq': [0, 1] } }],
  ])('refuse %s', (_, params) => {
    expect(spec.params.safeParse(params).success).toBe(false);
  });

  it('let further options pass', () => {
    const extra_args = { 'transformer-impl': 'transformer_engine', 'num-experts': 8, 'moe-grouped-gemm': true };
    expect(spec.params.parse({ extra_args })).toMatchObject({ extra_args });
  });

  it('give every axis a token of its own, and name no axis that is not a param', () => {
    const tokens = Object.values(spec.axisTokens);
    expect(new Set(tokens).size).toBe(tokens.length);
    expect(Object.keys(spec.params.shape)).toEqual(expect.arrayContaining(Object.keys(spec.axisTokens)));
  });
});

const machine = 'where it runs is the business of the cluster file and the adapter';
const network = 'network settings are environment: container.env';

// Eight GPUs; `fsdp: 1` was a switch that shards over all data-parallel ranks.
const megatronOptions: readonly LegacyOption[] = [
  ['tokenizer_model', { tokenizer_model: 'NousResearch/Meta-Llama-3-8B' }],
  ['model_size', { model_size: 8 }],
  ['batch_size', { global_batch_size: 128 }],
  ['micro_batch_size', { micro_batch_size: 4 }],
  ['precision', { precision: 'TE_FP8' }],
  ['sequence_length', { sequence_length: 8192 }],
  ['fsdp', { fsdp: 8, dp: 1 }],
  ['tensor_parallelism', { tp: 1 }],
  ['pipeline_parallelism', { pp: 1 }],
  ['recompute', { recompute: 'full', recompute_method: 'block' }],
  ['training_iterations', { train_iters: 30 }],
  ['mock_data', { mock_data: true }],
  ['result_dict', null, 'thresholds of the config'],
  ['nnodes', null, 'topology.roles.worker.count'],
  ['distributed_training', null, 'follows from the topology'],
  ['dataset_source', null, 'dataset of the config'],
  ['hf_token_file', null, 'secrets of the config'],
  ['container_image', null, 'container.image'],
  ['container_name', null, 'containers are named after their run'],
  ['container_config.device_list', null, 'container.devices'],
  ['container_config.volume_dict', null, 'container.mounts'],
  ['shm_size', null, 'container.shm_size'],
  ['master_address', null, machine],
  ['data_cache_dir', null, machine],
  ['log_dir', null, machine],
  ['scripts_dir', null, machine],
  ['megatron_root', null, machine],
  ['training_scripts', null, machine],
  ['nic_type', null, machine],
  ['hca_id_pattern', null, machine],
  ['nccl_ib_hca_list', null, network],
  ['nccl_socket_ifname', null, network],
  ['gloo_socket_ifname', null, network],
  ['nccl_ib_gid_index', null, network],
  ['nccl_debug', null, network],
];

// Nothing runs torchtitan, but what its configs say of a training has a name here.
const torchtitanOptions: readonly LegacyOption[] = [
  ['sequence_length', { sequence_length: 8192 }],
  ['lr', { lr: 3e-4 }],
  ['warmup_steps', { lr_warmup_iters: 200 }],
  ['activation_checkpointing', { recompute: 'selective' }],
  ['tensor_parallel_degree', { tp: 1 }],
  ['pipeline_parallel_degree', { pp: 1 }],
  ['context_parallel_degree', { cp: 1 }],
  ['expert_parallel_degree', { ep: 1 }],
  ['data_parallel_shard_degree', { fsdp: 8 }],
  ['enable_async_tensor_parallel', { tp_comm_overlap: false }],
  ['global_batch_size', { global_batch_size: 8 }],
  ['micro_batch_size', { micro_batch_size: 1 }],
  ['precision', { precision: 'TE_BF16' }],
  ['training_iterations', { train_iters: 10 }],
  ['compile', null, 'only torchtitan compiles with torch.compile'],
  ['precompute_float8_dynamic_scale_for_fsdp', null, 'only torchtitan has it'],
  ['model_name', null, 'model of the config'],
  ['hf_model_name', null, 'model.hf_repo of the config'],
  ['dataset', null, 'dataset of the config, with mock_data: false'],
  ['nnodes', null, 'topology.roles.worker.count'],
  ['schema_version', null, 'schema_version of the config'],
  ['framework', null, 'framework of the config'],
  ['gpu_arch', null, 'target_gpu of the config'],
  ['enforce_thresholds', null, 'enforce of the config'],
  ['threshold_json', null, 'thresholds of the config'],
  ['hf_token_file', null, 'secrets of the config'],
  ['container', null, 'container of the config'],
  ['master_address', null, machine],
  ['data_cache_dir', null, machine],
  ['log_dir', null, machine],
  ['scripts_dir', null, machine],
  ['rocm_dir', null, machine],
  ['torchtitan_root', null, machine],
  ['nic_type', null, machine],
  ['verify_network_errors', null, machine],
  ['use_generated_config', null, machine],
  ['nccl_socket_ifname', null, network],
  ['gloo_socket_ifname', null, network],
  ['nccl_ib_gid_index', null, network],
  ['nccl_debug', null, network],
];

describe.each([
  ['Megatron', megatronOptions],
  ['torchtitan', torchtitanOptions],
])('what a legacy %s config says of the training', (_, options) => {
  it('is a valid set of params, and fits eight GPUs', () => {
    const params = paramsOf(options);
    expect(spec.params.parse(params)).toMatchObject(params);
    expect(violations(params, worker(1, 8))).toEqual([]);
  });
});
