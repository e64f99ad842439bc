import { describe, expect, it } from 'vitest';
import { jax } from '../../../../src/adapters/jax/index.ts';
import { paramsOf } from '../legacy-options.ts';
import type { LegacyOption } from '../legacy-options.ts';

const { spec } = jax;
const worker = (count: number, gpus_per_node: number) => ({
  roles: { worker: { count, gpus_per_node, selector: '' } },
});
const violations = (params: Readonly<Record<string, unknown>>, topology = worker(2, 8)) =>
  spec.constraints({ params: spec.params.parse({ steps: 30, ...params }), topology });

describe('the parallelism of two nodes of eight GPUs', () => {
  it.each([[{ dp: 2, fsdp: 8 }], [{ fsdp: 16 }], [{ tp: 4, fsdp: 4 }], [{ dp: 2, fsdp: 8, cp: 2, ep: 4 }]])(
    'can be %j',
    (params) => {
      expect(violations(params)).toEqual([]);
    },
  );

  it('must use every GPU', () => {
    expect(violations({ fsdp: 8 })).toEqual([
      {
        field: 'fsdp',
        message: 'tp*pp*dp*fsdp = 1*1*1*8 = 8, but role worker has 16 GPUs (2 nodes x 8)',
        hint: 'make the product 16, or change count or gpus_per_node',
      },
    ]);
  });

  it.each([
    [{ dp: 4, fsdp: 4, cp: 2, ep: 4 }, 'cp', 'cp*ep = 2*4 = 8 does not divide fsdp = 4'],
    [{ dp: 8, fsdp: 2, ep: 4 }, 'ep', 'cp*ep = 1*4 = 4 does not divide fsdp = 2'],
  ])('leaves whole ranks to contexts and experts: not %j', (params, field, message) => {
    expect(violations(params)).toMatchObject([{ field, message }]);
  });
});

describe('the params of jax', () => {
  it('fill in what MaxText would, on synthetic data and without checkpoints', () => {
    expect(spec.params.parse({ steps: 30 })).toEqual({
      tp: 1,
      pp: 1,
      dp: 1,
      fsdp: 1,
      cp: 1,
      ep: 1,
      per_device_batch_size: 12,
      sequence_length: 2048,
      steps: 30,
      dataset_type: 'synthetic',
      dtype: 'bfloat16',
      weight_dtype: 'float32',
      quantization: '',
      remat_policy: 'full',
      scan_layers: true,
      enable_checkpointing: false,
    });
  });

  it.each([
    ['no number of steps', { steps: undefined }],
    ['an unknown field', { max_target_length: 8192 }],
    ['a number in quotes', { per_device_batch_size: '2' }],
    ['an axis that is left to MaxText', { dp: -1 }],
    ['an unknown quantization', { quantization: 'fp6' }],
    ['an unknown policy', { remat_policy: 'none' }],
    ['a flag in quotes', { scan_layers: 'true' }],
    ['a list as a compiler flag', { xla_flags: { xla_gpu_autotune_level: [0] } }],
  ])('refuse %s', (_, params) => {
    expect(spec.params.safeParse({ steps: 30, ...params }).success).toBe(false);
  });

  it('take half a sequence for each GPU', () => {
    expect(spec.params.parse({ steps: 1, per_device_batch_size: 0.5 })).toMatchObject({ per_device_batch_size: 0.5 });
  });

  it('give every axis a token of its own, and name no axis that is not a param', () => {
    const tokens = Object.values(spec.axisTokens);
    expect(new Set(tokens).size).toBe(tokens.length);
    expect(Object.keys(spec.params.shape)).toEqual(expect.arrayContaining(Object.keys(spec.axisTokens)));
  });
});

const machine = 'where it runs is the business of the cluster file and the adapter';
const unread = 'a Megatron option that MaxText never read';
const sharding = '1 in every config; sequences are split by cp';

// What both generations of legacy configs hand to MaxText itself, on eight GPUs.
const maxtextOptions: readonly LegacyOption[] = [
  ['attention', null, 'knobs.attention'],
  ['hardware', null, 'always gpu'],
  ['ici_fsdp_parallelism', { fsdp: 8 }],
  ['ici_data_parallelism', { dp: 1 }],
  ['ici_tensor_parallelism', { tp: 1 }],
  ['ici_pipeline_parallelism', { pp: 1 }],
  ['ici_sequence_parallelism', null, sharding],
  ['remat_policy', { remat_policy: 'full' }],
  ['use_iota_embed', { use_iota_embed: true }],
  ['scan_layers', { scan_layers: true }],
  ['dataset_type', { dataset_type: 'synthetic' }],
  ['async_checkpointing', { async_checkpointing: false }],
  ['logits_dot_in_fp32', { logits_dot_in_fp32: false }],
  ['megablox', { megablox: false }],
  ['dtype', { dtype: 'bfloat16' }],
  ['quantization', { quantization: '' }],
  ['quantize_kvcache', { quantize_kvcache: false }],
  ['kv_quant_axis', { kv_quant_axis: 'heads_and_dkv' }],
  ['kv_quant_dtype', { kv_quant_dtype: 'int8' }],
  ['weight_dtype', { weight_dtype: 'bfloat16' }],
  ['checkpoint_is_quantized', { checkpoint_is_quantized: false }],
  ['per_device_batch_size', { per_device_batch_size: 2 }],
  ['max_target_length', { sequence_length: 8192 }],
  ['max_segments_per_seq', { max_segments_per_seq: 32 }],
  ['packing', { packing: true }],
  ['enable_goodput_recording', { enable_goodput_recording: false }],
  ['monitor_goodput', { monitor_goodput: false }],
  ['optimizer_memory_host_offload', { optimizer_memory_host_offload: false }],
  ['param_scan_axis', { param_scan_axis: 1 }],
  ['shardy', { shardy: false }],
  ['enable_checkpointing', { enable_checkpointing: false }],
  ['xla_flags', { xla_flags: { xla_gpu_autotune_level: 0, xla_gpu_enable_command_buffer: '' } }],
  ['env_vars', null, 'container.env'],
  ['nic_type', null, machine],
  ['tokenizer_path', null, 'a path of the machine; tokenizer_model names the tokenizer'],
  ['hf_token_file', null, 'secrets of the config'],
  ['log_dir', null, machine],
];

const jaxOptions: readonly LegacyOption[] = [
  ...maxtextOptions,
  ['tokenizer_model', { tokenizer_model: 'NousResearch/Meta-Llama-3-70B', tokenizer_type: 'huggingface' }],
  ['training_steps', { steps: 30 }],
  ['mock_data', { dataset_type: 'synthetic' }],
  ['skip_first_n_steps_for_profiler', { skip_first_n_steps_for_profiler: 3 }],
  ['base_emb_dim', { base_emb_dim: 16_384 }],
  ['base_num_query_heads', { base_num_query_heads: 128 }],
  ['base_num_kv_heads', { base_num_kv_heads: 8 }],
  ['base_num_decoder_layers', { base_num_decoder_layers: 126 }],
  ['base_mlp_dim', { base_mlp_dim: 53_248 }],
  ['head_dim', { head_dim: 128 }],
  ['mlp_activations', { mlp_activations: ['silu', 'linear'] }],
  ['vocab_size', { vocab_size: 128_256 }],
  ['enable_dropout', { enable_dropout: false }],
  ['logits_via_embedding', { logits_via_embedding: false }],
  ['normalization_layer_epsilon', { normalization_layer_epsilon: 1e-5 }],
  ['rope_max_timescale', { rope_max_timescale: 500_000 }],
  ['decoder_block', { decoder_block: 'llama2' }],
  ['dcn_data_parallelism', null, 'the nodes that dp, fsdp, pp and tp span'],
  ['dcn_fsdp_parallelism', null, 'the nodes that dp, fsdp, pp and tp span'],
  ['dcn_pipeline_parallelism', null, 'the nodes that dp, fsdp, pp and tp span'],
  ['dcn_tensor_parallelism', null, 'the nodes that dp, fsdp, pp and tp span'],
  ['dcn_sequence_parallelism', null, sharding],
  ['model_size', null, 'follows from the dimensions'],
  ['hf_path', null, 'dataset of the config'],
  ['hf_train_files', null, 'dataset of the config'],
  ['dataset_source', null, 'dataset of the config'],
  ['micro_batch_size', null, unread],
  ['sequence_length', null, unread],
  ['precision', null, unread],
  ['tensor_parallelism', null, unread],
  ['pipeline_parallelism', null, unread],
  ['recompute', null, unread],
  ['fsdp', null, unread],
  ['result_dict', null, 'thresholds of the config'],
  ['nnodes', null, 'topology.roles.worker.count'],
  ['distributed_training', null, 'follows from the topology'],
  ['coordinator_ip', null, machine],
  ['data_cache_dir', null, machine],
  ['rdma_lib', null, machine],
  ['container_image', null, 'container.image'],
  ['container_name', null, 'containers are named after their run'],
  ['container_config.device_list', null, 'container.devices'],
  ['container_config.volume_dict', null, 'container.mounts'],
  ['container_config.env_dict', null, 'container.env'],
  ['shm_size', null, 'container.shm_size'],
];

const jaxmaxtextOptions: readonly LegacyOption[] = [
  ...maxtextOptions,
  ['shardy', { shardy: true }],
  ['model_name', { model_name: 'llama3.3-70b' }],
  ['profiler', { profiler: '' }],
  ['steps', { steps: 30 }],
  ['tokenizer.hf_model_id', { tokenizer_model: 'NousResearch/Meta-Llama-3-70B', tokenizer_type: 'huggingface' }],
  ['sweeps[].per_device_batch_size', { per_device_batch_size: 5 }],
  ['sweeps[].quantization', { quantization: 'nanoo_fp8' }],
  ['sweeps[].name', null, 'name of a sweep option'],
  ['enabled_sweep_list', null, 'sweep.include of the config'],
  ['base_config', null, 'always base.yml'],
  ['distributed', null, 'follows from the topology'],
  ['gpus_per_node', null, 'topology.roles.worker.gpus_per_node'],
  ['train_script_paths', null, machine],
  ['convergence', null, 'a Convergence of the config'],
  ['loss_curve', null, 'a Monotonicity of the config'],
  ['checkpoint_resume', null, 'a workload of its own: it runs the trainer twice'],
  ['error_patterns', null, 'the pattern catalogue'],
  ['model', null, 'model of the config'],
  ['container', null, 'container of the config'],
  ['schema_version', null, 'schema_version of the config'],
  ['framework', null, 'framework of the config'],
  ['gpu_arch', null, 'target_gpu of the config'],
  ['enforce_thresholds', null, 'enforce of the config'],
  ['threshold_json', null, 'thresholds of the config'],
  ['paths', null, machine],
];

describe.each([
  ['jax', jaxOptions],
  ['jaxmaxtext', jaxmaxtextOptions],
])('what a legacy %s config says of the training', (_, options) => {
  it('is a valid set of params, and fits eight GPUs', () => {
    const params = paramsOf(options);
    expect(spec.params.parse(params)).toMatchObject(params);
    expect(violations(params, worker(1, 8))).toEqual([]);
  });
});
