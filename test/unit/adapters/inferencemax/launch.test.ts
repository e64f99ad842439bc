import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { planInferencemax } from '../../../../src/adapters/inferencemax/launch.ts';
import { LOADING_RECIPE_SCRIPT, RECIPE_SCRIPT } from '../../../../src/adapters/inferencemax/scripts.ts';
import { commandOf, flagIn, requestOf } from '../shared/program-probe.ts';

const PARAMS = { server_script: 'gptoss_fp4_mi300x.sh', concurrency: 4, isl: 64, osl: 8, tensor_parallelism: 2 };
const ONE = { server: ['n0'] };
const MODEL = { model: { id: 'gpt-oss-120b', hf_repo: 'openai/gpt-oss-120b' } };

function planOf(params: object, hosts: Record<string, string[]> = ONE) {
  return planInferencemax(requestOf({ params: { ...PARAMS, ...params }, hosts, workload: MODEL }), '/tmp/run');
}

describe('a recipe that serves', () => {
  it('gets its knobs in the environment, as InferenceX names them', () => {
    const plan = planOf({ expert_parallelism: 2, dp_attention: true, max_model_length: 128, random_range_ratio: 0.8 });
    expect(commandOf(plan.servers[0])).toMatchObject({
      file: 'sh',
      args: ['-c', RECIPE_SCRIPT, 'inferencemax', '/app/InferenceX', '', '', 'gptoss_fp4_mi300x.sh', ...FOLDERS],
      env: {
        MODEL: 'openai/gpt-oss-120b',
        TP: '2',
        EP_SIZE: '2',
        DP_ATTENTION: 'true',
        CONC: '4',
        ISL: '64',
        OSL: '8',
        MAX_MODEL_LEN: '128',
        RANDOM_RANGE_RATIO: '0.8',
        PORT: '8888',
        SPEC_DECODING: 'none',
        RESULT_FILENAME: 'inferencemax',
        RESULT_DIR: '/tmp/run',
      },
      writes: ['/tmp/run'],
    });
  });

  it('leaves out what the config leaves open, but for the ratio that the recipes insist on', () => {
    const { env } = commandOf(planOf({}).servers[0]);
    expect(env).not.toHaveProperty('MAX_MODEL_LEN');
    expect(env).not.toHaveProperty('VLLM_ENFORCE_EAGER');
    expect(env).toMatchObject({ RANDOM_RANGE_RATIO: '1' });
  });

  it('is ready when it answers at its port', () => {
    const readiness = planOf({ port: 8001 }).servers[0]?.readiness;
    if (typeof readiness !== 'function') throw new Error('the same everywhere');
    const found = readiness({ host: 'n0', index: 0, address: '::1', addressOf: String, ready: [] });
    if (found.kind !== 'http') throw new Error(found.kind);
    expect([found.url(null as never), found.path]).toEqual(['http://[::1]:8001', '/health']);
  });

  it('comes from a clone in scratch, at its ref, or from a folder beside the config', () => {
    const cloned = planOf({ inferencemax_repo: 'https://example.test/x.git', inferencemax_ref: 'v1' });
    expect(commandOf(cloned.servers[0]).args.slice(3, 6)).toEqual([
      '/tmp/run/InferenceX',
      'https://example.test/x.git',
      'v1',
    ]);
    const there = commandOf(planOf({ inferencemax_path: 'recipes' }).servers[0]);
    expect([there.args[3], there.reads]).toEqual(['/configs/recipes', ['/configs/recipes']]);
  });

  it('and the client see the model where a path names it, in a container too', () => {
    const workload = { model: { id: 'gpt-oss-120b', path: 'models/gpt' } };
    const plan = planInferencemax(requestOf({ params: PARAMS, hosts: ONE, workload }), '/tmp/run');
    const commands = [...plan.servers, ...plan.workers].map((role) => commandOf(role));
    expect(commands.map(({ reads }) => reads)).toEqual([['/configs/models/gpt'], ['/configs/models/gpt']]);
    expect(commands[0]?.env).toMatchObject({ MODEL: '/configs/models/gpt' });
  });

  it('is refused on several hosts', () => {
    expect(() => planOf({}, { server: ['n0', 'n1'] })).toThrow('role server is on 2 hosts, a recipe runs on one');
  });
});

const FOLDERS = ['benchmarks/single_node/fixed_seq_len', 'benchmarks/single_node', 'benchmarks', '.'];

describe('the load client', () => {
  it('is called as the runner of InferenceX does, with each request in its result', () => {
    const [client] = planOf({ num_prompts: 40 }).workers;
    const command = commandOf(client, 0, [{ role: 'server', url: 'http://127.0.0.1:8888' }]);
    expect([command.file, ...command.args].join(' ')).toBe(
      'python3 /app/InferenceX/utils/bench_serving/benchmark_serving.py --model openai/gpt-oss-120b --backend vllm ' +
        '--base-url http://127.0.0.1:8888 --dataset-name random --random-input-len 64 --random-output-len 8 ' +
        '--num-prompts 40 --num-warmups 8 --max-concurrency 4 --request-rate inf --burstiness 1 --seed 7 ' +
        '--tokenizer-mode auto --ignore-eos --percentile-metrics ttft,tpot,itl,e2el --metric-percentiles 50,90,95,99 ' +
        '--save-result --save-detailed --result-dir /tmp/run --result-filename inferencemax.json',
    );
  });

  it('takes further flags, and runs where the topology puts it', () => {
    const plan = planOf(
      { bench_args: { 'disable-tqdm': true, logprobs: 1 }, num_warmups: 0 },
      { ...ONE, client: ['n9'] },
    );
    const command = commandOf(plan.workers[0]);
    expect(plan.workers[0]?.hosts).toEqual(['n9']);
    expect([flagIn(command, 'num-warmups'), flagIn(command, 'logprobs')]).toEqual(['0', '1']);
    expect(command.args).toContain('--disable-tqdm');
    expect(new Set(plan.results.map(({ host }) => host))).toEqual(new Set(['n9', 'n0']));
  });

  it('needs prompts for a dataset that is not generated', () => {
    const params = { server_script: 'r.sh', concurrency: 4, dataset_name: 'sharegpt' };
    const plan = planInferencemax(requestOf({ params, hosts: ONE }), '/tmp/run');
    expect(() => commandOf(plan.workers[0])).toThrow('dataset_name sharegpt needs prompts');
  });
});

describe('a recipe that sends the load itself', () => {
  it('is the work, and has no client', () => {
    const plan = planOf({ recipe_sends_load: true });
    expect([plan.servers, plan.workers.map(({ role }) => role)]).toEqual([[], ['server']]);
    expect(commandOf(plan.workers[0]).args.slice(1, 3)).toEqual([LOADING_RECIPE_SCRIPT, 'inferencemax']);
  });

  it('has its result fetched from its own folder, whatever it ends with', () => {
    const { home, results } = repository('echo "{}" > "$RESULT_FILENAME.json"\nexit 3');
    const words = ['-c', LOADING_RECIPE_SCRIPT, 'x', home, '', '', results, 'r.sh', 'benchmarks'];
    expect(() => execFileSync('sh', words, { env: { ...process.env, RESULT_FILENAME: 'inferencemax' } })).toThrow(
      expect.objectContaining({ status: 3 }),
    );
    expect(readdirSync(results)).toEqual(['inferencemax.json']);
  });
});

describe('the result of an earlier run', () => {
  it('is not brought for a recipe that leaves none', () => {
    const { home, results } = repository('true');
    writeFileSync(join(home, 'inferencemax.json'), '{}');
    const words = ['-c', LOADING_RECIPE_SCRIPT, 'x', home, '', '', results, 'r.sh', 'benchmarks'];
    execFileSync('sh', words, { env: { ...process.env, RESULT_FILENAME: 'inferencemax' } });
    expect(readdirSync(results)).toEqual([]);
  });
});

describe('the shell that finds a recipe', () => {
  it('takes the first folder that has it, and becomes it', () => {
    const { home } = repository('echo "$0 $CONC"');
    const words = ['-c', RECIPE_SCRIPT, 'x', home, '', '', 'r.sh', 'nowhere', 'benchmarks', '.'];
    expect(execFileSync('sh', words, { env: { ...process.env, CONC: '4' } }).toString()).toBe('benchmarks/r.sh 4\n');
  });

  it('takes one that is a program of the host where the repository has none', () => {
    const { home } = repository('echo served');
    const env = { ...process.env, PATH: `${home}/benchmarks:${process.env['PATH'] ?? ''}` };
    expect(execFileSync('sh', ['-c', RECIPE_SCRIPT, 'x', '/nowhere', '', '', 'r.sh', '.'], { env }).toString()).toBe(
      'served\n',
    );
  });

  it('says where it looked', () => {
    const { home } = repository('true');
    expect(() =>
      execFileSync('sh', ['-c', RECIPE_SCRIPT, 'x', home, '', '', 'other.sh', 'a', 'b'], { stdio: 'pipe' }),
    ).toThrow(`no recipe other.sh: looked into a b of ${home}, and the PATH`);
  });

  it('clones the repository once, at its ref', () => {
    const { home } = repository('cat version');
    const git = (...words: string[]) =>
      execFileSync('git', ['-C', home, '-c', 'user.name=t', '-c', 'user.email=t@t', ...words]);
    writeFileSync(join(home, 'version'), 'one');
    execFileSync('git', ['init', '-q', home]);
    git('add', '.');
    git('commit', '-qm', 'one');
    git('tag', 'v1');
    writeFileSync(join(home, 'version'), 'two');
    git('commit', '-qam', 'two');
    const clone = join(mkdtempSync(join(tmpdir(), 'clone-')), 'InferenceX');
    const words = ['-c', RECIPE_SCRIPT, 'x', clone, home, 'v1', 'r.sh', 'benchmarks'];
    expect(execFileSync('sh', words).toString()).toMatch(/^InferenceX commit [0-9a-f]{40}\none$/);
    expect(execFileSync('sh', words).toString()).toBe('one');
    expect(readFileSync(join(clone, 'version'), 'utf8')).toBe('one');
  });
});

function repository(recipe: string): { readonly home: string; readonly results: string } {
  const home = mkdtempSync(join(tmpdir(), 'infx-'));
  const results = mkdtempSync(join(tmpdir(), 'results-'));
  mkdirSync(join(home, 'benchmarks'));
  writeFileSync(join(home, 'benchmarks', 'r.sh'), `#!/bin/sh\n${recipe}\n`);
  chmodSync(join(home, 'benchmarks', 'r.sh'), 0o755);
  return { home, results };
}
