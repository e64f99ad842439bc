import { describe, expect, it } from 'vitest';
import { explainGpuMismatch, explainUnknownGpus, gpuFamilyOf, gpusLike } from '../../../src/core/gpu-family.ts';

describe('gpuFamilyOf', () => {
  it.each([
    ['AMD Instinct MI355X', 'mi355x'],
    ['AMD Instinct™ MI350X', 'mi350x'],
    ['AMD Instinct MI325X', 'mi325x'],
    ['AMD Instinct MI308X HF', 'mi308x'],
    ['AMD Instinct MI300X', 'mi300x'],
    ['AMD Instinct MI300X VF', 'mi300x'],
    ['gfx942 AMD Instinct MI300X', 'mi300x'],
    ['AMD Instinct MI300A', 'mi300a'],
    ['AMD INSTINCT MI250 (MCM) OAM AC MBA', 'mi250'],
    ['NVIDIA H100 80GB HBM3', 'h100'],
    ['NVIDIA H100 NVL', 'h100'],
    ['NVIDIA H200', 'h200'],
    ['NVIDIA GH200 480GB', 'gh200'],
    ['NVIDIA GB200', 'gb200'],
    ['NVIDIA B200', 'b200'],
    ['NVIDIA A100-SXM4-80GB', 'a100'],
    ['NVIDIA A100-SXM4-40GB MIG 1g.5gb', 'a100'],
    ['A100-PCIE-40GB', 'a100'],
    ['NVIDIA A10G', 'a10g'],
    ['Tesla V100-SXM2-16GB', 'v100'],
    ['Tesla T4', 't4'],
    ['NVIDIA L40S', 'l40s'],
    ['NVIDIA L40', 'l40'],
  ])('%s is %s', (name, family) => {
    expect(gpuFamilyOf(name)).toBe(family);
  });

  it.each([
    'gfx942',
    'gfx950',
    'mi355',
    'mi35x',
    'MI300',
    'AMD Instinct MI250X / MI250',
    'AMD Radeon RX 7900 XTX',
    'NVIDIA GeForce RTX 4090',
    'NVIDIA RTX A4000',
    'NVIDIA Graphics Device',
    'NVIDIA H1000',
    '0x74a1',
    'N/A',
    '',
  ])('%s has no family', (name) => {
    expect(gpuFamilyOf(name)).toBeNull();
  });
});

describe('a host’s GPUs', () => {
  const eight = (name: string): readonly string[] => Array.from({ length: 8 }, () => name);

  it('that are the targeted ones fit, in any case of letters', () => {
    expect(explainGpuMismatch('mi355x', { host: 'n1', names: eight('AMD Instinct MI355X') })).toBeNull();
    expect(explainGpuMismatch('MI355X', { host: 'n1', names: eight('AMD Instinct MI355X') })).toBeNull();
  });

  it('that are others do not fit, and the message says what is there', () => {
    expect(explainGpuMismatch('mi300x', { host: 'n1', names: eight('AMD Instinct MI355X') })).toMatchInlineSnapshot(
      `"target_gpu is mi300x, but n1 has 8x mi355x (AMD Instinct MI355X)"`,
    );
  });

  it.each(['mi355', 'mi35x', 'h100'])('of mi355x are not %s', (target) => {
    expect(explainGpuMismatch(target, { host: 'n1', names: ['AMD Instinct MI355X'] })).not.toBeNull();
  });

  it('do not fit when only some of them are the targeted ones', () => {
    const names = ['NVIDIA H100 80GB HBM3', 'NVIDIA H100 80GB HBM3', 'Tesla T4'];
    expect(explainGpuMismatch('h100', { host: 'n1', names })).toMatchInlineSnapshot(
      `"target_gpu is h100, but n1 has 2x h100 (NVIDIA H100 80GB HBM3), 1x t4 (Tesla T4)"`,
    );
  });

  it('that are none do not fit', () => {
    expect(explainGpuMismatch('h100', { host: 'n1', names: [] })).toBe('target_gpu is h100, but n1 has no GPU');
  });

  it('always fit cpu', () => {
    for (const names of [[], ['AMD Instinct MI355X'], ['NVIDIA Graphics Device'], [null]]) {
      expect(explainGpuMismatch('cpu', { host: 'n1', names })).toBeNull();
      expect(explainUnknownGpus('cpu', { host: 'n1', names })).toBeNull();
    }
  });

  it('of an unknown name may fit, and that is said', () => {
    const found = { host: 'n1', names: ['NVIDIA H100 NVL', 'NVIDIA Graphics Device', null] };
    expect(explainGpuMismatch('h100', found)).toBeNull();
    expect(explainUnknownGpus('h100', found)).toMatchInlineSnapshot(
      `"target_gpu is h100, which could not be verified: n1 has 1x of a family unknown here (NVIDIA Graphics Device), 1x of a family unknown here (no name)"`,
    );
    expect(explainUnknownGpus('h100', { host: 'n1', names: ['NVIDIA H100 NVL'] })).toBeNull();
  });
});

describe('gpusLike', () => {
  it.each([
    { slip: 'a letter that is another', name: 'mi335x', labels: [], meant: ['mi325x', 'mi355x'] },
    { slip: 'the same, where nodes have one of them', name: 'mi335x', labels: ['nvme', 'MI355X'], meant: ['mi355x'] },
    { slip: 'a letter too few', name: 'mi355', labels: [], meant: ['mi355x'] },
    { slip: 'a letter too many', name: 'mi300xx', labels: [], meant: ['mi300x'] },
    { slip: 'two letters swapped', name: 'H010', labels: [], meant: ['h100'] },
    { slip: 'one of a label that is no family', name: 'rtx4091', labels: ['rtx4090'], meant: ['rtx4090'] },
    { slip: 'a series of several', name: 'mi300', labels: [], meant: ['mi100', 'mi300a', 'mi300x'] },
  ])('$slip', ({ name, labels, meant }) => {
    expect(gpusLike(name, labels)).toEqual(meant);
  });

  it.each([
    ['a family', 'MI300X', ['mi300a']],
    ['no GPU', 'cpu', ['cpus']],
    ['one that is told apart by nothing', 'mi455x', ['mi355x']],
    ['a label', 'mi450z', ['mi350x', 'Mi450z']],
    ['near to none', 'rtx4090', []],
    ['near to too many to say', 'x100', []],
    ['too short to say', 'l5', []],
    ['near to the CPU of a pool', 'gpu', ['cpu']],
  ])('suggests nothing for what is %s', (_, name, labels) => {
    expect(gpusLike(name, labels)).toEqual([]);
  });
});
