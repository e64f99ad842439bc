import { describe, expect, it } from 'vitest';
import { optionWords, planTorchtitan } from '../../../../src/adapters/torchtitan/launch.ts';
import type { RunRequest } from '../../../../src/lifecycle/adapter.ts';
import { commandOf, flagIn, requestOf } from '../shared/program-probe.ts';

function planOf(params: object, nodes = 1) {
  const worker = Array.from({ length: nodes }, (_, index) => `n${index}`);
  const asked = requestOf({ params: { steps: 30, ...params }, hosts: { worker } });
  const topology = { roles: { worker: { count: nodes, gpus_per_node: 8, selector: '' } } };
  const request: RunRequest = { ...asked, runId: 'r1', cell: { ...asked.cell, topology } };
  return planTorchtitan(request, '/tmp/run');
}

const wordsOf = (params: object, nodes = 1, index = 0): string => {
  const { file, args } = commandOf(planOf(params, nodes).workers[0], index);
  return [file, ...args].join(' ').replace(/--master-port 2\d{4}/, '--master-port PORT');
};

describe('the command of a node', () => {
  it('is every param as an option of torchtitan', () => {
    const words = wordsOf({
      config_file: 'torchtitan/models/llama3/train_configs/llama3_8b.toml',
      flavor: '8B',
      data_parallel_shard_degree: 4,
      tensor_parallel_degree: 2,
      compile: true,
      float8: 'rowwise',
      activation_checkpoint: 'full',
      extra_args: { 'training.enable_cpu_offload': false },
    });
    expect(words).toBe(
      'torchrun --nnodes 1 --nproc-per-node 8 --node-rank 0 --master-addr n0.test --master-port PORT ' +
        '--local-ranks-filter 0 --role rank --tee 3 -m torchtitan.train ' +
        '--job.config_file torchtitan/models/llama3/train_configs/llama3_8b.toml --job.dump_folder=/tmp/run ' +
        '--metrics.disable_color_printing --debug.seed=7 --model.flavor=8B --parallelism.pipeline_parallel_degree=1 ' +
        '--parallelism.data_parallel_replicate_degree=1 --parallelism.data_parallel_shard_degree=4 ' +
        '--parallelism.context_parallel_degree=1 --parallelism.tensor_parallel_degree=2 ' +
        '--parallelism.expert_parallel_degree=1 --training.steps=30 --training.local_batch_size=8 --training.seq_len=2048 ' +
        '--metrics.log_freq=10 --compile.enable --activation_checkpoint.mode=full --checkpoint.no-enable ' +
        '--model.converters=quantize.linear.float8 --quantize.linear.float8.recipe_name=rowwise ' +
        '--training.no-enable_cpu_offload',
    );
  });

  it('starts from a config of the registry', () => {
    const words = wordsOf({ module: 'llama3', config: 'llama3_8b', data_parallel_shard_degree: 8 });
    expect(words).toContain('-m torchtitan.train --module llama3 --config llama3_8b --dump_folder=/tmp/run ');
    expect(words).not.toContain('--job.');
  });

  it('reads a file that stands beside the config', () => {
    const { args, reads } = commandOf(planOf({ config_file: './my.toml', data_parallel_shard_degree: 8 }).workers[0]);
    expect(reads).toEqual(['/configs/my.toml']);
    expect(args).toContain('/configs/my.toml');
  });

  it.each([
    [1, [0, 0], '0'],
    [2, [0, 0], '8'],
    [4, [0, 4], '12'],
  ])('lets through the rank that knows the loss, of a pipeline of %i stages', (stages, filters, rank) => {
    const params = { config_file: 'x.toml', pipeline_parallel_degree: stages, data_parallel_shard_degree: 16 / stages };
    const commands = [0, 1].map((index) => commandOf(planOf(params, 2).workers[0], index));
    const nodes = commands.map((command) => [flagIn(command, 'node-rank'), flagIn(command, 'local-ranks-filter')]);
    expect(nodes).toEqual(filters.map((filter, index) => [`${index}`, `${filter}`]));
    expect(commands.map(({ env }) => env)).toEqual(
      [0, 1].map(() => ({ LOG_RANK: rank, PYTHONUNBUFFERED: '1', TZ: 'UTC' })),
    );
  });
});

it('negates a flag behind its section', () => {
  expect(optionWords({ 'a.b_c': false, 'a.d': true, e: false, f: 1e-5 })).toEqual([
    '--a.no-b_c',
    '--a.d',
    '--no-e',
    '--f=0.00001',
  ]);
});
