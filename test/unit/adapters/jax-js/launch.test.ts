import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { planTraining } from '../../../../src/adapters/jax-js/launch.ts';
import { startedRun } from '../../started-run.ts';

const CONFIG = `schema_version: "2"
test_id: training
target_gpu: cpu
framework: jax_js
workload_kind: training
topology: {roles: {worker: {count: 1}}}
model: {id: byte_llama}
dataset: {id: words, path: texts, sha256: ${'ab'.repeat(32)}, window_length: 64}
seed: 9
params: {steps: 12, micro_batch_size: 3, sequence_length: 32}
sweep: {ranks: [2]}
enforce: false
`;

function planOf(...changes: readonly (readonly [string, string])[]) {
  const config = changes.reduce((text, [from, to]) => text.replace(from, to), CONFIG);
  const request = startedRun(config);
  const plan = planTraining(request, '/scratch/run');
  const [worker] = plan.workers;
  const command = worker!.command({ host: 'localhost', index: 0, address: '127.0.0.1', addressOf: String, ready: [] });
  return { ...plan, worker: worker!, command, folder: request.cell.configFolder };
}

describe('planTraining', () => {
  it('starts one process for all ranks, with every number of the cell', () => {
    const { command, worker, servers, results, folder } = planOf();
    expect(servers).toEqual([]);
    expect([worker.role, worker.readiness]).toEqual(['worker', { kind: 'started' }]);
    expect(command.file).toBe(process.execPath);
    expect(command.args[0]).toMatch(/jax-js\/worker-main\.js$/);
    expect(command.args.slice(1)).toEqual([
      '--ranks=2',
      '--steps=12',
      '--micro-batch-size=3',
      '--sequence-length=32',
      '--learning-rate=0.003',
      '--warmup-steps=50',
      '--final-learning-rate-share=0.05',
      '--weight-decay=0.1',
      '--max-grad-norm=1',
      '--seed=9',
      '--held-out-window-length=64',
      `--corpus=${join(folder, 'texts')}`,
      `--corpus-sha256=${'ab'.repeat(32)}`,
      '--out=/scratch/run/model',
    ]);
    expect(results).toEqual(
      ['byte-llama.gguf', 'byte-llama.json', 'heldout.txt'].map((name) => ({
        host: 'localhost',
        path: `/scratch/run/model/${name}`,
        as: `model/${name}`,
      })),
    );
  });

  it('leaves no model where none is to be saved', () => {
    const { command, results } = planOf(['steps: 12', 'steps: 12, save_model: false']);
    expect(results).toEqual([]);
    expect(command.args.filter((word) => word.startsWith('--out'))).toEqual([]);
  });

  it.each([
    ['another processor', ['target_gpu: cpu', 'target_gpu: mi300x'], 'target_gpu is mi300x'],
    ['a model to start from', ['id: byte_llama', 'id: byte_llama, path: m.gguf'], 'remove model.path (m.gguf)'],
    ['nothing to train on', ['path: texts, ', ''], 'add `dataset.path:`'],
  ] as const)('refuses %s', (_, change, message) => {
    expect(() => planOf(change)).toThrow(expect.objectContaining({ message: expect.stringContaining(message) }));
  });
});
