import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { parseOverride } from '../../../src/config/override.ts';
import { planSession } from '../../../src/session/plan.ts';
import type { SessionOptions } from '../../../src/session/plan.ts';
import { frameworks } from '../../../src/session/registry.ts';
import { DEMO_CONFIG } from '../demo-config.ts';
import { sessionOptions } from '../session-options.ts';

const HERE = 'nodes: {localhost: {gpus: 8, labels: [mi300x]}}';
const SSH = 'nodes: {n1: {gpus: 8, labels: [mi300x]}}';
const SLURM = `executor: slurm\n${SSH}`;

interface Parts {
  readonly framework?: string;
  readonly params?: string;
  /** Further fields, from line 8 on. */
  readonly more?: string;
}

/** A config for eight GPUs. */
function config({ framework = 'vllm', params = '{concurrency: 1, isl: 8, osl: 8}', more = '' }: Parts): string {
  const [kind, role] = framework === 'vllm' ? ['inference', 'server'] : ['training', 'worker'];
  return `schema_version: "2"
test_id: tried
target_gpu: mi300x
framework: ${framework}
workload_kind: ${kind}
topology: {roles: {${role}: {count: 1, gpus_per_node: 8}}}
params: ${params}
${more.includes('model:') ? '' : 'model: llama-3.1-8b\n'}${more}
`;
}

/** A config of its own, for this machine. */
const named = (id: string): string =>
  DEMO_CONFIG.replace('test_id: demo', `test_id: ${id}`).replace('attention: none', `attention: ${id}`);

interface Given {
  readonly cluster?: string;
  readonly options?: Partial<SessionOptions>;
  /** Files besides the configs. */
  readonly files?: readonly string[];
}

/** What is doubted about configs, as `file:line path: message`. */
function doubts(configs: readonly string[], { cluster, options = {}, files = [] }: Given = {}): readonly string[] {
  const root = mkdtempSync(join(tmpdir(), 'assay-preflight-'));
  for (const [index, text] of configs.entries()) writeFileSync(join(root, `c${index + 1}.yaml`), text);
  if (cluster !== undefined) writeFileSync(join(root, 'some.cluster.yaml'), cluster);
  for (const file of files) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), '');
  }
  const pool = cluster === undefined ? null : 'some.cluster.yaml';
  const { warnings } = planSession(sessionOptions({ root, cluster: pool, ...options }), frameworks);
  return warnings.map(({ file, line, path, message }) => `${file}:${line} ${path}: ${message}`);
}

const onThis = (parts: Parts, given: Given = {}): readonly string[] =>
  doubts([config(parts)], { cluster: HERE, ...given });

afterEach(() => void vi.unstubAllEnvs());

describe('secrets', () => {
  const secret = 'secrets: {hub: {kind: SecretValue, source: env, env_var: HUB_TOKEN}}\n';
  const demo = (id: string): string => `${named(id)}${secret}`;
  const at = 'c1.yaml:13 secrets.hub.env_var: HUB_TOKEN';

  it.each([
    ['not there', undefined, [`${at} is not set in this environment`]],
    ['blank', ' ', [`${at} is empty in this environment`]],
    ['too short to be hidden', 'abc', [`${at} is shorter than 4 characters in this environment`]],
    ['there', 'abcd', []],
  ])('are doubted once for all cells when their variable is %s', (_, value, expected) => {
    vi.stubEnv('HUB_TOKEN', value);
    expect(doubts([demo('one')])).toEqual(expected);
  });

  it('that several configs take from one variable are told at the first', () => {
    vi.stubEnv('HUB_TOKEN', undefined);
    expect(doubts([demo('one'), demo('two')])).toEqual([
      `${at} is not set in this environment, and 1 more config needs it`,
    ]);
    expect(doubts([demo('one'), demo('two'), demo('three')])).toEqual([
      `${at} is not set in this environment, and 2 more configs need it`,
    ]);
  });

  it('of configs of which no cell is asked for, or none runs here, are not needed', () => {
    vi.stubEnv('HUB_TOKEN', undefined);
    expect(doubts([demo('one').replace('{count: 1}', '{count: 2}')])).toEqual([]);
    const onlyTwo = [demo('one'), demo('two').replace('[1, 2]', '[3]')];
    expect(doubts(onlyTwo, { options: { onlyCells: ['conc3'] } })).toEqual([
      'c2.yaml:13 secrets.hub.env_var: HUB_TOKEN is not set in this environment',
    ]);
  });

  it.each([
    ['ssh', SSH],
    ['Slurm', SLURM],
  ])('are read where the session starts with %s too', (_, cluster) => {
    vi.stubEnv('HUB_TOKEN', undefined);
    expect(doubts([config({ more: secret })], { cluster })).toHaveLength(1);
  });
});

describe('paths', () => {
  const weights = 'model: {id: m, path: weights/m}';
  const noWeights = 'c1.yaml:8 model.path: there is no "weights/m" on this machine';

  it('are looked for on this machine only, from the folder of the config', () => {
    expect(onThis({ more: weights })).toEqual([noWeights]);
    expect(onThis({ more: weights }, { files: ['weights/m/a'] })).toEqual([]);
    expect(onThis({ more: weights }, { cluster: SSH })).toEqual([]);
    expect(onThis({ more: weights }, { cluster: SLURM })).toEqual([]);
  });

  it.each([
    { mounts: '[]', isDoubted: true },
    { mounts: '["/:/weights"]', isDoubted: false },
    { mounts: '["/:/weights/:ro"]', isDoubted: false },
    { mounts: '["/:/weights/m"]', isDoubted: false },
    { mounts: '["/:/"]', isDoubted: false },
    { mounts: '["/:/weigh"]', isDoubted: true },
  ])('are not looked for where a mount has them in the container: $mounts', ({ mounts, isDoubted }) => {
    const more = `model: {id: m, path: /weights/m}\ncontainer: {image: i, mounts: ${mounts}}`;
    const told = ['c1.yaml:8 model.path: there is no "/weights/m" on this machine'];
    expect(onThis({ more })).toEqual(isDoubted ? told : []);
  });

  it('of mounts are sources that the engine refuses', () => {
    const more = 'container: {image: i, mounts: ["/:/a", "/nowhere/b:/b:ro", "volume:/c"]}';
    expect(onThis({ more })).toEqual(['c1.yaml:9 container.mounts[1]: there is no "/nowhere/b" on this machine']);
    expect(onThis({ more }, { cluster: SSH })).toEqual([]);
  });

  const prompts = (name: string): Parts => ({ params: `{dataset_name: ${name}, concurrency: 1}` });
  const megatron = { framework: 'megatron', params: '{model_size: 8, tp: 8, mock_data: false, train_iters: 9}' };
  const grain = { framework: 'jax', params: '{model_name: m, steps: 9, dataset_type: grain, fsdp: 8}' };

  it.each([
    { of: 'a file that is not there', parts: prompts('custom'), path: 'd/p.jsonl', isDoubted: true },
    { of: 'a file that is there', parts: prompts('custom'), path: 'd/p.jsonl', files: ['d/p.jsonl'], isDoubted: false },
    { of: 'a repository of the hub', parts: prompts('hf'), path: 'org/prompts', isDoubted: false },
    { of: 'a pattern', parts: grain, path: 'd/*.array_record', isDoubted: false },
    { of: 'files without their extensions', parts: megatron, path: 'd/t', files: ['d/t.bin'], isDoubted: false },
    { of: 'none of these', parts: megatron, path: 'd/t', files: ['d/tt.bin'], isDoubted: true },
  ])('of a dataset: $of', ({ parts, path, files = [], isDoubted }) => {
    const told = [expect.stringContaining(`dataset.path: there is no "${path}" on this machine`)];
    expect(onThis({ ...parts, more: `dataset: {id: d, path: '${path}'}` }, { files })).toEqual(isDoubted ? told : []);
  });

  it.each([
    { one: 'beside the config', path: './own.toml', isDoubted: true },
    { one: 'beside the config, for an image', path: './own.toml', more: 'container: {image: i}', isDoubted: true },
    { one: 'of the node', path: '/nowhere/own.toml', isDoubted: true },
    { one: 'of an image', path: '/nowhere/own.toml', more: 'container: {image: i}', isDoubted: false },
    { one: 'of torchtitan', path: 'torchtitan/own.toml', isDoubted: false },
  ])('in params: one $one', ({ path, more = '', isDoubted }) => {
    const params = `{config_file: ${path}, data_parallel_shard_degree: 8, steps: 9}`;
    const told = [`c1.yaml:7 params.config_file: there is no "${path}" on this machine`];
    expect(onThis({ framework: 'torchtitan', params, more })).toEqual(isDoubted ? told : []);
  });

  it('that two configs share are told once, and what the command line sets is told of', () => {
    const [one = '', two = ''] = ['one', 'two'].map((id) => named(id).replace('precision: f32', 'path: m.gguf'));
    const message = 'there is no "m.gguf" on this machine, and 1 more config needs it';
    expect(doubts([one, two])).toEqual([`c1.yaml:7 model.path: ${message}`]);
    const overrides = [parseOverride('model.path=o.gguf')];
    expect(doubts([one], { options: { overrides } })).toEqual([
      expect.stringContaining('there is no "o.gguf" on this machine'),
    ]);
  });
});

describe('target_gpu', () => {
  const told = (gpu: string, cluster: string): readonly string[] =>
    doubts([config({}).replace('target_gpu: mi300x', `target_gpu: ${gpu}`)], { cluster });

  it('is held against the labels of the nodes and the GPUs that are told apart, wherever cells run', () => {
    const unknown = 'c1.yaml:3 target_gpu: "mi308" is no GPU known here';
    expect(told('mi308', SSH)).toEqual([unknown]);
    expect(told('mi308', SSH.replace('gpus: 8', 'gpus: 1'))).toEqual([unknown]);
    expect(told('mi308', SSH.replace('[mi300x]', '[mi300x, mi308]'))).toEqual([]);
    expect(told('MI300X', SSH)).toEqual([]);
    expect(told('h100_sxm', SSH)).toEqual([
      'c1.yaml:3 target_gpu: "h100_sxm" is more than the name of a GPU: a node with h100 is refused',
    ]);
  });
});

describe('the shipped configs', () => {
  it.each([null, 'configs/clusters/lab.cluster.yaml', 'configs/clusters/three-nodes.cluster.json'])(
    'lack nothing but the variable of their secret on %s',
    (cluster) => {
      vi.stubEnv('HF_TOKEN', 'hf_not_one');
      const root = new URL('../../..', import.meta.url).pathname;
      const options = sessionOptions({ root, configs: ['configs/**/*.yaml'], cluster });
      expect(planSession(options, frameworks).warnings).toEqual([]);
    },
  );
});
