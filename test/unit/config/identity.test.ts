import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Cell } from '../../../src/config/cell.ts';
import { identify } from '../../../src/config/identity.ts';
import type { Identity, IdentityInputs } from '../../../src/config/identity.ts';
import { loadConfigs } from '../../../src/config/load.ts';
import { frameworks } from '../../../src/session/registry.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;
const CONFIG = `schema_version: "2"
test_id: demo
target_gpu: mi355x
framework: vllm
workload_kind: inference
topology: {roles: {server: {count: 1, gpus_per_node: 8, selector: mi355x}}}
model: {id: gpt-oss-120b, revision: main}
container: {image: "rocm/vllm:1", digest: "${DIGEST}", env: {MODE: fast}}
dataset: {id: prompts, path: prompts.txt}
seed: 1
knobs: {attention: aiter, quant: fp4}
params: {isl: 1024, osl: 128, num_prompts: 100}
sweep: {concurrency: [16, 64]}
benchmarks: [throughput, ttft_p99]
thresholds:
  - {kind: Rate, metric: throughput, per_unit: sec, op: ">=", min_rate: 1200}
  - {kind: Percentile, metric: ttft_ms, percentile: 99, op: "<=", value: 50}
timeouts: {launch: 30m}
secrets: {hf_token: {kind: SecretValue, source: env, env_var: HF_TOKEN}}
`;
const INPUTS: IdentityInputs = {
  bindings: { server: ['n1'] },
  launchVersion: 1,
  engine: null,
  imageDigest: null,
  files: null,
  verdictEngineVersion: 1,
  patterns: [{ id: 'oom' }],
};

const root = mkdtempSync(join(tmpdir(), 'assay-identity-'));
function cellOf(text: string): Cell {
  writeFileSync(join(root, 'demo.yaml'), text);
  const specs = frameworks.map(({ spec }) => spec);
  const { cells, problems } = loadConfigs(['demo.yaml'], { root, specs, env: {}, overrides: [] });
  expect(problems).toEqual([]);
  return cells[0]!;
}
const edited = (from: string, to: string): Identity => {
  expect(CONFIG).toContain(from);
  return identify(cellOf(CONFIG.replace(from, to)), INPUTS);
};

describe('identify', () => {
  const base = identify(cellOf(CONFIG), INPUTS);

  it.each([
    ['the digest of the image', 'aaaa"', 'aaab"'],
    ['a variable of the container', 'MODE: fast', 'MODE: slow'],
    ['a folder that the container sees', 'env: {MODE: fast}}', 'env: {MODE: fast}, mounts: ["/models:/models"]}'],
    ['a device of the container', 'env: {MODE: fast}}', 'env: {MODE: fast}, devices: [/dev/kfd]}'],
    ['what runs the container', 'env: {MODE: fast}}', 'env: {MODE: fast}, runtime: podman}'],
    ['the model', 'revision: main', 'revision: v2'],
    ['the dataset', 'prompts.txt', 'others.txt'],
    ['the seed', 'seed: 1', 'seed: 2'],
    ['the use of nodes that others use too', 'seed: 1', 'seed: 1\nexclusive: false'],
    ['a knob', 'aiter', 'fa'],
    ['a param', 'num_prompts: 100', 'num_prompts: 200'],
    ['the topology', 'gpus_per_node: 8', 'gpus_per_node: 4'],
  ])('takes another %s for another workload, judged alike', (_, from, to) => {
    const { workloadHash, verificationHash, configHash } = edited(from, to);
    expect(workloadHash).not.toBe(base.workloadHash);
    expect(verificationHash).toBe(base.verificationHash);
    expect(configHash).not.toBe(base.configHash);
  });

  it.each([
    ['the bindings', { bindings: { server: ['n2'] } }],
    ['the version of what is launched', { launchVersion: 2 }],
    ['the engine of this installation', { engine: { engine: '1.0.0' } }],
  ])('takes another %s for another workload', (_, inputs) => {
    const { workloadHash, verificationHash } = identify(cellOf(CONFIG), { ...INPUTS, ...inputs });
    expect(workloadHash).not.toBe(base.workloadHash);
    expect(verificationHash).toBe(base.verificationHash);
  });

  it.each([
    ['the failure patterns', { patterns: [] }],
    ['the verdict engine', { verdictEngineVersion: 2 }],
  ])('has other %s judge the same workload anew', (_, inputs) => {
    const { workloadHash, verificationHash } = identify(cellOf(CONFIG), { ...INPUTS, ...inputs });
    expect(workloadHash).toBe(base.workloadHash);
    expect(verificationHash).not.toBe(base.verificationHash);
  });

  it.each([
    ['a bound', 'value: 50', 'value: 60'],
    [
      'a benchmark and its bound',
      '  - {kind: Rate',
      '  - {kind: Goodput, ttft_max_ms: 9, tpot_max_ms: 9, op: ">", min_qps: 1}\n  - {kind: Rate',
    ],
  ])('has %s judge the same workload anew', (_, from, to) => {
    const text = CONFIG.replace(from, to).replace(
      'ttft_p99]',
      from === 'value: 50' ? 'ttft_p99]' : 'ttft_p99, goodput]',
    );
    const { workloadHash, verificationHash } = identify(cellOf(text), INPUTS);
    expect(workloadHash).toBe(base.workloadHash);
    expect(verificationHash).not.toBe(base.verificationHash);
  });

  it.each([
    ['a sibling cell', '[16, 64]', '[16, 64, 256]'],
    ['a time limit', 'launch: 30m', 'launch: 40m'],
    ['a secret', 'HF_TOKEN', 'OTHER_TOKEN'],
    ['the image that its digest names', 'rocm/vllm:1', 'rocm/vllm:one'],
    [
      'which cells a bound judges',
      'value: 50}',
      'value: 50, when: {concurrency: 16}}\n  - {kind: Percentile, metric: ttft_ms, percentile: 99, op: "<=", value: 70}',
    ],
  ])('does not depend on %s', (_, from, to) => {
    const { workloadHash, verificationHash } = edited(from, to);
    expect({ workloadHash, verificationHash }).toEqual({
      workloadHash: base.workloadHash,
      verificationHash: base.verificationHash,
    });
  });

  it('waits for the digest of an image that has none', () => {
    expect(base.isPending).toBe(false);
    expect(edited(`digest: "${DIGEST}", `, '').isPending).toBe(true);
    const inReference = edited(`"rocm/vllm:1", digest: "${DIGEST}"`, `"rocm/vllm:1@${DIGEST}"`);
    expect(inReference).toMatchObject({ isPending: false, workloadHash: base.workloadHash });
    const inProcess = CONFIG.replace(/^container.*\n/m, '');
    expect(identify(cellOf(inProcess), INPUTS).isPending).toBe(false);
  });

  it('names the experiment by what people compare', () => {
    expect(base.experimentId).toBe('vllm/gpt-oss-120b/fp4+aiter+-/mi355x');
  });
});
