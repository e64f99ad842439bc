import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { planPytorchXdit } from '../../../../src/adapters/pytorch-xdit/launch.ts';
import { commandOf, flagIn, requestOf } from '../shared/program-probe.ts';

const FLUX = { pipeline: 'flux_t2i', prompt: 'A small cat' };
const WAN = { pipeline: 'wan_i2v', prompt: 'A boat' };
const FLUX_MODEL = { id: 'flux-1-dev', hf_repo: 'black-forest-labs/FLUX.1-dev' };
const WAN_MODEL = { id: 'wan-2.2-i2v-a14b', path: 'wan' };

function planOf(params: object, { model = FLUX_MODEL, worker = ['n0'], ...workload }: Workload = {}) {
  return planPytorchXdit(
    requestOf({ params: { ...params }, hosts: { worker }, workload: { model, ...workload } }),
    '/tmp/run',
  );
}

interface Workload {
  readonly model?: object;
  readonly worker?: readonly string[];
}

describe('Flux', () => {
  it('runs a process for each GPU, with the flags of its script', () => {
    const plan = planOf({
      ...FLUX,
      num_inference_steps: 25,
      max_sequence_length: 256,
      no_use_resolution_binning: true,
      warmup_steps: 1,
      warmup_calls: 5,
      num_repetitions: 25,
      height: 1024,
      width: 1024,
      ulysses_degree: 4,
      ring_degree: 2,
      use_torch_compile: true,
    });
    const { file, args, writes } = commandOf(plan.workers[0]);
    expect([file, ...args].join(' ').replace(/(?<=--master-port )2\d{4}/, 'PORT')).toBe(
      'torchrun --nnodes 1 --nproc-per-node 8 --node-rank 0 --master-addr n0.test --master-port PORT ' +
        '/app/Flux/run_usp.py --model black-forest-labs/FLUX.1-dev --prompt A small cat --seed 7 --height 1024 --width 1024 ' +
        '--num_inference_steps 25 --max_sequence_length 256 --no_use_resolution_binning --warmup_steps 1 --warmup_calls 5 ' +
        '--num_repetitions 25 --ulysses_degree 4 --ring_degree 2 --use_torch_compile --benchmark_output_directory /tmp/run',
    );
    expect(writes).toEqual(['/tmp/run']);
  });

  it('leaves to the script what the config leaves open', () => {
    const { args } = commandOf(planOf(FLUX).workers[0]);
    expect(args.filter((word) => word.startsWith('--')).slice(5)).toEqual([
      '--model',
      '--prompt',
      '--seed',
      '--ulysses_degree',
      '--ring_degree',
      '--benchmark_output_directory',
    ]);
  });

  it('spells repetitions and folder as the runner of xDiT does, where that is the script', () => {
    const script = '/app/external/xDiT/xfuser/runner.py';
    const command = commandOf(planOf({ ...FLUX, script, num_repetitions: 3 }).workers[0]);
    expect([flagIn(command, 'num_iterations'), flagIn(command, 'output_directory')]).toEqual(['3', '/tmp/run']);
    expect(command.args).toContain(script);
    expect(flagIn(command, 'num_repetitions')).toBeUndefined();
  });

  it('shares its processes out among the workers, who find each other at the first', () => {
    const plan = planOf({ ...FLUX, ulysses_degree: 8, ring_degree: 2 }, { worker: ['n0', 'n1'] });
    const commands = [0, 1].map((index) => commandOf(plan.workers[0], index));
    expect(commands.map((command) => flagIn(command, 'nproc-per-node'))).toEqual(['8', '8']);
    expect(commands.map((command) => flagIn(command, 'node-rank'))).toEqual(['0', '1']);
    expect(commands.map((command) => flagIn(command, 'master-addr'))).toEqual(['n0.test', 'n0.test']);
    expect(() => planOf(FLUX, { worker: ['n0', 'n1'] })).toThrow('1 processes cannot be shared out among 2 workers');
  });
});

describe('Wan', () => {
  it('has names of its own for the same', () => {
    const params = {
      ...WAN,
      size: '720*1280',
      frame_num: 81,
      num_inference_steps: 40,
      num_benchmark_steps: 5,
      ulysses_degree: 8,
      offload_model: false,
      vae_dtype: 'bfloat16',
      allow_tf32: true,
      use_torch_compile: true,
    };
    const { args, reads } = commandOf(planOf(params, { model: WAN_MODEL }).workers[0]);
    expect(args.slice(10).join(' ')).toBe(
      '/app/Wan2.2/run.py --task i2v-A14B --size 720*1280 --frame_num 81 ' +
        '--image /app/Wan2.2/examples/i2v_input.JPG --prompt A boat --base_seed 7 --ulysses_size 8 --ring_size 1 ' +
        '--sample_steps 40 --num_benchmark_steps 5 --offload_model 0 --vae_dtype bfloat16 --allow_tf32 --compile ' +
        '--benchmark_output_directory /tmp/run --save_file video.mp4 --ckpt_dir /configs/wan',
    );
    expect(reads).toEqual(['/configs/wan']);
  });

  it('names its task after the model', () => {
    const taskOf = (params: object, id: string) =>
      flagIn(commandOf(planOf({ ...params }, { model: { id, path: 'wan' } }).workers[0]), 'task');
    expect(taskOf(WAN, 'wan-2.1-i2v-14b')).toBe('i2v-14B');
    expect(taskOf({ ...WAN, pipeline: 'wan_t2v' }, 'wan-2.2-t2v-a14b')).toBe('t2v-A14B');
  });

  it('finds its checkpoint in the cache of Hugging Face on the node, or says what is missing', () => {
    const folder = mkdtempSync(join(tmpdir(), 'hf-'));
    const foundBy = (model: object): string => {
      const { file, args } = commandOf(planOf(WAN, { model: { id: 'wan', hf_repo: 'acme/Wan', ...model } }).workers[0]);
      const echoed = args.map((word) => (word === 'torchrun' ? 'echo' : word));
      const env = { ...process.env, HF_HOME: folder };
      return (
        execFileSync(file, echoed, { env, stdio: ['ignore', 'pipe', 'ignore'] })
          .toString()
          .trim()
          .split(' --ckpt_dir ')[1] ?? ''
      );
    };
    const cache = `${folder}/hub/models--acme--Wan`;
    expect([foundBy({ revision: 'abc' }), foundBy({})]).toEqual([`${cache}/snapshots/abc`, `${cache}/snapshots/main`]);
    mkdirSync(`${cache}/refs`, { recursive: true });
    writeFileSync(`${cache}/refs/main`, '206a9ee');
    expect(foundBy({})).toBe(`${cache}/snapshots/206a9ee`);
    expect(() => commandOf(planOf(WAN, { model: { id: 'wan' } }).workers[0])).toThrow(
      'nothing says where the checkpoint of wan is',
    );
  });
});

it('fetches whatever JSON the scripts leave in their folders, and the film', () => {
  const { results } = planOf(FLUX);
  expect(results.map(({ path, as }) => [path, as])).toEqual([
    ['/tmp/run/*.json', 'xdit/n0'],
    ['/tmp/run/video.mp4', 'xdit/n0/video.mp4'],
    ['/tmp/run/results/*.json', 'xdit/n0/results'],
    ['/tmp/run/results/video.mp4', 'xdit/n0/results/video.mp4'],
    ['/tmp/run/outputs/*.json', 'xdit/n0/outputs'],
    ['/tmp/run/outputs/video.mp4', 'xdit/n0/outputs/video.mp4'],
    ['/tmp/run/outputs/outputs/*.json', 'xdit/n0/outputs/outputs'],
    ['/tmp/run/outputs/outputs/video.mp4', 'xdit/n0/outputs/outputs/video.mp4'],
    ['/tmp/run/outputs/outputs/outputs/*.json', 'xdit/n0/outputs/outputs/outputs'],
    ['/tmp/run/outputs/outputs/outputs/video.mp4', 'xdit/n0/outputs/outputs/outputs/video.mp4'],
  ]);
});
