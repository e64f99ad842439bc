import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describeDegrees, mapAxes, MESH_AXES, splitDegrees } from '../../../../src/adapters/jax/degrees.ts';
import { planJax } from '../../../../src/adapters/jax/launch.ts';
import { jax } from '../../../../src/adapters/jax/index.ts';
import type { RunRequest } from '../../../../src/lifecycle/adapter.ts';
import { commandOf, requestOf } from '../shared/program-probe.ts';

function planOf(
  params: object,
  { nodes = 1, ...workload }: { readonly nodes?: number } & Record<string, unknown> = {},
) {
  const worker = Array.from({ length: nodes }, (_, index) => `n${index}`);
  const asked = requestOf({ params: { steps: 30, ...params }, hosts: { worker }, workload });
  const topology = { roles: { worker: { count: nodes, gpus_per_node: 8, selector: '' } } };
  const request: RunRequest = { ...asked, runId: 'r1', cell: { ...asked.cell, topology } };
  return planJax(request, '/tmp/run');
}

describe('the command of a node', () => {
  it('is every param under its name in MaxText', () => {
    const plan = planOf(
      {
        model_name: 'llama3.1-8b',
        fsdp: 4,
        tp: 2,
        sequence_length: 8192,
        per_device_batch_size: 0.5,
        tokenizer_model: 'NousResearch/Meta-Llama-3-8B',
        mlp_activations: ['silu', 'linear'],
        quantization: 'nanoo_fp8',
        extra_args: { packing_x: true },
      },
      { knobs: { attention: 'cudnn_flash_te' }, seed: 3 },
    );
    const { file, args, env, writes } = commandOf(plan.workers[0]);
    expect([file, ...args].join(' ')).toBe(
      'python3 -m maxtext.trainers.pre_train.train src/maxtext/configs/base.yml run_name=r1 base_output_directory=/tmp/run ' +
        'hardware=gpu attention=cudnn_flash_te dcn_data_parallelism=1 ici_data_parallelism=1 dcn_pipeline_parallelism=1 ' +
        'ici_pipeline_parallelism=1 dcn_fsdp_parallelism=1 ici_fsdp_parallelism=4 dcn_expert_parallelism=1 ' +
        'ici_expert_parallelism=1 dcn_context_parallelism=1 ici_context_parallelism=1 dcn_tensor_parallelism=1 ' +
        'ici_tensor_parallelism=2 per_device_batch_size=0.5 steps=30 model_name=llama3.1-8b dataset_type=synthetic ' +
        'dtype=bfloat16 weight_dtype=float32 quantization=nanoo_fp8 remat_policy=full scan_layers=true ' +
        'enable_checkpointing=false mlp_activations=[silu,linear] override_model_config=true max_target_length=8192 ' +
        'tokenizer_path=NousResearch/Meta-Llama-3-8B packing_x=true init_weights_seed=3 data_shuffle_seed=3',
    );
    expect(env).toEqual({ PYTHONUNBUFFERED: '1', TZ: 'UTC' });
    expect(writes).toEqual(['/tmp/run']);
    expect(plan).toMatchObject({ servers: [], results: [] });
  });

  it.each([
    [{ trainer: 'MaxText.train' }, ['-m', 'MaxText.train', 'MaxText/configs/base.yml']],
    [{ trainer: '/w/MaxText/train.py', base_config: 'my.yml' }, ['/w/MaxText/train.py', 'my.yml', 'run_name=r1']],
  ])('starts the trainer of %j', (params, words) => {
    expect(commandOf(planOf({ fsdp: 8, ...params }).workers[0]).args.slice(0, 3)).toEqual(words);
  });

  it('finds the other nodes at the first', () => {
    const plan = planOf({ fsdp: 8, dp: 2 }, { nodes: 2 });
    const [first, second] = [commandOf(plan.workers[0], 0), commandOf(plan.workers[0], 1)];
    expect(first.args).toEqual(second.args);
    expect(first.args).toEqual(expect.arrayContaining(['dcn_data_parallelism=2', 'ici_data_parallelism=1']));
    const port = first.env?.['JAX_COORDINATOR_PORT'];
    expect([first.env, second.env]).toEqual(
      ['0', '1'].map((NODE_RANK) => ({
        PYTHONUNBUFFERED: '1',
        TZ: 'UTC',
        JAX_COORDINATOR_IP: 'n0.test',
        JAX_COORDINATOR_PORT: port,
        NNODES: '2',
        NODE_RANK,
      })),
    );
    expect(Number(port)).toBeGreaterThanOrEqual(20_000);
  });

  it('gives XLA its flags, and has it write down what it compiles with', () => {
    const plan = planOf({
      fsdp: 8,
      xla_flags: { xla_gpu_autotune_level: 0, xla_gpu_enable_command_buffer: '', xla_a: 'b c' },
    });
    expect(commandOf(plan.workers[0]).env).toMatchObject({
      XLA_FLAGS:
        '--xla_gpu_autotune_level=0 --xla_gpu_enable_command_buffer= --xla_a="b c" --xla_dump_to=/tmp/run/xla --xla_dump_hlo_module_re=jit_train_step',
    });
    expect(plan.results).toEqual([{ host: 'n0', path: '/tmp/run/xla/*.jit_train_step.config.pbtxt', as: 'xla' }]);
  });

  it('leaves a dump alone that the config asks for, and takes it for none of its own', () => {
    const plan = planOf({ fsdp: 8, xla_flags: { xla_dump_to: '/dumps' } });
    expect(commandOf(plan.workers[0]).env).toMatchObject({ XLA_FLAGS: '--xla_dump_to=/dumps' });
    expect(plan.results).toEqual([]);
  });

  it('reads the dataset of the config', () => {
    const { args, reads } = commandOf(
      planOf({ fsdp: 8, dataset_type: 'hf' }, { dataset: { path: 'c4.parquet' } }).workers[0],
    );
    expect(args).toEqual(expect.arrayContaining(['hf_path=parquet', 'hf_train_files=/configs/c4.parquet']));
    expect(reads).toEqual(['/configs/c4.parquet']);
  });

  it.each([
    [
      'flags in two places',
      { params: { xla_flags: { xla_a: 1 } }, workload: { container: { env: { XLA_FLAGS: '--xla_b=1' } } } },
      /XLA_FLAGS is set twice/,
    ],
    [
      'files that a dataset_type does not read',
      { params: { dataset_type: 'olmo_grain' }, workload: { dataset: { path: 'x' } } },
      /means nothing to dataset_type olmo_grain/,
    ],
  ])('refuses %s', (_, { params, workload }, message) => {
    const refused = () => planOf({ fsdp: 8, ...params }, workload);
    expect(refused).toThrow(message);
    expect(refused).toThrow(expect.objectContaining({ category: 'setup_failure' }));
  });
});

describe('degrees of parallelism', () => {
  const degrees = (given: object) => ({ ...mapAxes(() => 1), ...given });

  it.each([
    [{ data: 2, fsdp: 8 }, 2, { data: 2 }],
    [{ fsdp: 16 }, 2, { fsdp: 2 }],
    [{ tensor: 4, fsdp: 4 }, 2, { fsdp: 2 }],
    [{ data: 2, pipeline: 2, fsdp: 8 }, 4, { data: 2, pipeline: 2 }],
    [{ tensor: 16 }, 2, { tensor: 2 }],
    [{ data: 6, fsdp: 4 }, 3, { data: 3 }],
  ])('%j are split over %i nodes at %j', (given, nodes, between) => {
    expect(splitDegrees(degrees(given), nodes, 8).dcn).toEqual(degrees(between));
  });

  it('multiply to what was asked, to the nodes and to the GPUs of a node, however they are split', () => {
    const degree = fc.constantFrom(1, 2, 3, 4, 8);
    fc.assert(
      fc.property(fc.tuple(degree, degree, degree, degree), fc.nat(), ([data, pipeline, fsdp, tensor], pick) => {
        const asked = degrees({ data, pipeline, fsdp, tensor });
        const total = data * pipeline * fsdp * tensor;
        const divisors = Array.from({ length: total }, (_, index) => index + 1).filter((one) => total % one === 0);
        const nodes = divisors[pick % divisors.length] ?? 1;
        const { dcn, ici } = splitDegrees(asked, nodes, total / nodes);
        expect(mapAxes((axis) => dcn[axis] * ici[axis])).toEqual(asked);
        const product = (all: typeof dcn) => MESH_AXES.reduce((sum, axis) => sum * all[axis], 1);
        expect([product(dcn), product(ici)]).toEqual([nodes, total / nodes]);
      }),
    );
  });

  it.each([
    [{ fsdp: 8 }, 3, 8],
    [{ fsdp: 8 }, 1, 4],
  ])('%j cannot be split over %i nodes of %i GPUs', (given, nodes, gpus) => {
    const refused = () => splitDegrees(degrees(given), nodes, gpus);
    expect(refused).toThrow(/fsdp 8.* cannot be split over/);
    expect(refused).toThrow(expect.objectContaining({ category: 'setup_failure' }));
  });

  it('are described in one line', () => {
    expect(describeDegrees(degrees({ fsdp: 8 }))).toBe('data=1 pipeline=1 fsdp=8 expert=1 context=1 tensor=1');
  });
});

it('keeps checkpoints of several nodes where all of them see it', () => {
  const topology = { roles: { worker: { count: 2, gpus_per_node: 8, selector: '' } } };
  const violations = (params: object) =>
    jax.spec.constraints({
      params: jax.spec.params.parse({ steps: 1, fsdp: 16, enable_checkpointing: true, ...params }),
      topology,
    });
  expect(violations({})).toMatchObject([{ field: 'enable_checkpointing', hint: 'name it in base_output_directory' }]);
  expect(violations({ base_output_directory: '/shared' })).toEqual([]);
});
