import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { globSync } from 'tinyglobby';
import { describe, expect, it } from 'vitest';
import { planSession } from '../../../src/session/plan.ts';
import type { PlannedCell } from '../../../src/session/plan.ts';
import { frameworks } from '../../../src/session/registry.ts';
import { sessionOptions } from '../session-options.ts';

const root = new URL('../../..', import.meta.url).pathname;
const LAB = 'configs/clusters/lab.cluster.yaml';
const THREE_NODES = 'configs/clusters/three-nodes.cluster.json';

const planOn = (cluster: string | null, configs = 'configs/**/*.yaml'): readonly PlannedCell[] =>
  planSession(sessionOptions({ root, configs: [configs], cluster }), frameworks).cells;
const brackets = (config: string): readonly string[] =>
  planOn(null, `configs/${config}`).map(({ cell }) => cell.bracket);
const bindings = (cluster: string, config: string): Record<string, unknown> =>
  Object.fromEntries(
    planOn(cluster, `configs/${config}`).map(({ cell, binding }) => [
      cell.cellId,
      binding.state === 'bound' ? binding.hosts : binding.detail,
    ]),
  );

describe('the shipped configs', () => {
  it('are all planned, and only together make up the matrix', () => {
    const files = globSync('configs/{inference,training}/**/*.yaml', { cwd: root, ignore: '**/*.thresholds.yaml' });
    expect([...new Set(planOn(null).map(({ cell }) => cell.configFile))].toSorted()).toEqual(files.toSorted());
  });

  it('start with the line that makes editors complete their fields', () => {
    for (const file of globSync('configs/**/*.yaml', { cwd: root, absolute: true })) {
      const schema = /^# yaml-language-server: \$schema=(\S+)\n/.exec(readFileSync(file, 'utf8'))?.[1];
      expect(schema, file).toBeDefined();
      const kind = /\.(thresholds|cluster)\.yaml$/.exec(file)?.[1] ?? 'workload';
      expect(join(file, '..', schema ?? '')).toBe(join(root, `schemas/${kind}.schema.json`));
    }
  });

  it('sweep two shapes under three loads: vllm', () => {
    expect(brackets('inference/vllm/gpt_oss_120b_mi355x_aiter.yaml')).toEqual([
      '[vllm-gpt_oss_120b-mi355x-aiter-fp4-balanced-conc16]',
      '[vllm-gpt_oss_120b-mi355x-aiter-fp4-balanced-conc32]',
      '[vllm-gpt_oss_120b-mi355x-aiter-fp4-balanced-conc64]',
      '[vllm-gpt_oss_120b-mi355x-aiter-fp4-prefill_heavy-conc16]',
      '[vllm-gpt_oss_120b-mi355x-aiter-fp4-prefill_heavy-conc32]',
      '[vllm-gpt_oss_120b-mi355x-aiter-fp4-prefill_heavy-conc64]',
    ]);
  });

  it('take the bounds of vllm from the file beside it', () => {
    const cells = planOn(null, 'configs/inference/vllm/*.yaml');
    const sources = cells.map(({ cell }) => cell.thresholds.map(({ source }) => source.replace(/^.*\.t/, '.t')));
    const few = ['.thresholds.yaml:4', '.thresholds.yaml:5', '.thresholds.yaml:7'];
    const many = ['.thresholds.yaml:4', '.thresholds.yaml:6', '.thresholds.yaml:7'];
    expect(sources).toEqual([few, few, many, few, few, many]);
  });

  it('split prefill and decode over nodes of their own, cell by cell: sglang_disagg', () => {
    expect(brackets('inference/sglang_disagg/*.yaml')).toEqual([
      '[sglang_disagg-llama_3_1_70b_instruct-mi300x-aiter-bf16-2p2d-conc32]',
      '[sglang_disagg-llama_3_1_70b_instruct-mi300x-aiter-bf16-2p2d-conc64]',
      '[sglang_disagg-llama_3_1_70b_instruct-mi300x-aiter-bf16-1p3d-conc32]',
      '[sglang_disagg-llama_3_1_70b_instruct-mi300x-aiter-bf16-1p3d-conc64]',
    ]);
    const even = { prefill: ['n1', 'n2'], decode: ['n3', 'n4'], router: ['n1'] };
    const uneven = { prefill: ['n1'], decode: ['n2', 'n3', 'n4'], router: ['n1'] };
    expect(bindings(LAB, 'inference/sglang_disagg/*.yaml')).toEqual({
      '2p2d-conc32': even,
      '2p2d-conc64': even,
      '1p3d-conc32': uneven,
      '1p3d-conc64': uneven,
    });
  });

  it('cut 32 GPUs in three ways: megatron', () => {
    expect(brackets('training/megatron/*.yaml')).toEqual([
      '[megatron-llama_3_1_8b-mi300x-te-fp8-tp8_dp4-mbs1]',
      '[megatron-llama_3_1_8b-mi300x-te-fp8-tp8_dp4-mbs2]',
      '[megatron-llama_3_1_8b-mi300x-te-fp8-tp4_pp2_dp4-mbs1]',
      '[megatron-llama_3_1_8b-mi300x-te-fp8-tp4_pp2_dp4-mbs2]',
      '[megatron-llama_3_1_8b-mi300x-te-fp8-fsdp_only-mbs1]',
      '[megatron-llama_3_1_8b-mi300x-te-fp8-fsdp_only-mbs2]',
    ]);
    expect(Object.values(bindings(LAB, 'training/megatron/*.yaml'))).toEqual(
      Array.from({ length: 6 }, () => ({ worker: ['n1', 'n2', 'n3', 'n4'] })),
    );
  });

  it.each([
    [
      'inference/inferencemax/*.yaml',
      [
        '[inferencemax-gpt_oss_120b-mi300x-aiter-fp4-conc4]',
        '[inferencemax-gpt_oss_120b-mi300x-aiter-fp4-conc16]',
        '[inferencemax-gpt_oss_120b-mi300x-aiter-fp4-conc64]',
      ],
    ],
    [
      'inference/pytorch_xdit/flux*.yaml',
      [
        '[pytorch_xdit-flux_1_dev-mi300x-aiter-bf16-ulysses8-square]',
        '[pytorch_xdit-flux_1_dev-mi300x-aiter-bf16-ulysses4_ring2-square]',
      ],
    ],
    [
      'inference/pytorch_xdit/wan*.yaml',
      [
        '[pytorch_xdit-wan_2_2_i2v_a14b-mi300x-aiter-bf16-frames41]',
        '[pytorch_xdit-wan_2_2_i2v_a14b-mi300x-aiter-bf16-frames81]',
      ],
    ],
    [
      'training/jax/*.yaml',
      ['[jax-llama_3_3_70b-mi300x-cudnn_flash_te-bf16-pdbs1]', '[jax-llama_3_3_70b-mi300x-cudnn_flash_te-bf16-pdbs2]'],
    ],
    [
      'training/torchtitan/*.yaml',
      ['[torchtitan-llama_3_1_8b-mi300x-bf16-acselective]', '[torchtitan-llama_3_1_8b-mi300x-bf16-acfull]'],
    ],
    ['training/jax_js/*.yaml', ['[jax_js-byte_llama-cpu-f32-ranks1]', '[jax_js-byte_llama-cpu-f32-ranks2]']],
    [
      'inference/llama_cpp/*.yaml',
      [
        '[llama_cpp-byte_llama-cpu-f32-balanced-conc1]',
        '[llama_cpp-byte_llama-cpu-f32-balanced-conc2]',
        '[llama_cpp-byte_llama-cpu-f32-balanced-conc4]',
        '[llama_cpp-byte_llama-cpu-f32-prefill_heavy-conc1]',
        '[llama_cpp-byte_llama-cpu-f32-prefill_heavy-conc2]',
        '[llama_cpp-byte_llama-cpu-f32-prefill_heavy-conc4]',
      ],
    ],
  ])('%s', (config, expected) => {
    expect(brackets(config)).toEqual(expected);
  });
});

describe('the shipped clusters', () => {
  it('run or skip each framework for a reason that says what is missing', () => {
    const reasons = (cluster: string | null): Record<string, string> =>
      Object.fromEntries(
        planOn(cluster).map(({ cell, binding }) => [
          cell.workload.framework,
          binding.state === 'bound' ? 'bound' : binding.detail,
        ]),
      );
    const onGpus = ['vllm', 'inferencemax', 'pytorch_xdit', 'jax', 'torchtitan'];
    const all = Object.fromEntries([...onGpus, 'llama_cpp', 'jax_js'].map((framework) => [framework, 'bound']));
    expect(reasons(LAB)).toEqual({ ...all, sglang_disagg: 'bound', megatron: 'bound' });
    expect(reasons(THREE_NODES)).toEqual({
      ...all,
      vllm: 'no_matching_node (no node has the label mi355x; labels here: mi300x)',
      llama_cpp: 'no_matching_node (no node has the label cpu; labels here: mi300x)',
      jax_js: 'no_matching_node (no node has the label cpu; labels here: mi300x)',
      sglang_disagg: 'insufficient_nodes (need 4, have 3)',
      megatron: 'insufficient_nodes (need 4, have 3)',
    });
    const noGpu = 'no_matching_node (no node has the label mi300x; labels here: cpu)';
    expect(reasons(null)).toEqual({
      ...Object.fromEntries([...onGpus, 'sglang_disagg', 'megatron'].map((framework) => [framework, noGpu])),
      vllm: noGpu.replace('mi300x', 'mi355x'),
      llama_cpp: 'bound',
      jax_js: 'bound',
    });
  });

  it('launch what fits, and here the embedded workloads', () => {
    expect(new Set(planOn(LAB).map(({ skip }) => skip?.reason))).toEqual(new Set([undefined]));
    const here = planOn(null).filter(({ skip }) => skip === null);
    expect([...new Set(here.map(({ cell }) => cell.workload.framework))]).toEqual(['llama_cpp', 'jax_js']);
    expect(here).toHaveLength(8);
  });
});

describe('a combination that does not fit its GPUs', () => {
  const shipped = readFileSync(join(root, 'configs/training/megatron/llama_3_1_8b_mi300x.yaml'), 'utf8');

  it('is refused when the config is loaded, by name and with the numbers', () => {
    const folder = mkdtempSync(join(tmpdir(), 'assay-combo-'));
    const bad = shipped.replace(
      '  micro_batch_size',
      '    - {tp: 8, pp: 2, dp: 4, fsdp: 1, name: bad}\n  micro_batch_size',
    );
    writeFileSync(join(folder, 'bad.yaml'), bad);
    expect(() => planSession(sessionOptions({ root: folder }), frameworks)).toThrow(
      [
        'bad.yaml:30:7 sweep.parallelism_combos[3]: bad: tp*pp*dp*fsdp = 8*2*4*1 = 64, but role worker has 32 GPUs (4 nodes x 8) - make the product 32, or change count or gpus_per_node',
        '1 problem in 1 of 1 file. Nothing was launched.',
      ].join('\n'),
    );
  });
});
