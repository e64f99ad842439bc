import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Answer } from '../../../../src/lifecycle/snapshots/ask.ts';
import { AMD_QUESTIONS, readAmdSmi } from '../../../../src/lifecycle/snapshots/amd-smi.ts';
import type { GpuDevice, GpuReading } from '../../../../src/lifecycle/snapshots/gpu-state.ts';

const SAMPLES = new URL('../../../../../shared/samples/gpu-smi/', import.meta.url).pathname;
const withSamples = existsSync(SAMPLES) ? 'recorded answers' : 'recorded answers (skipped: the samples are not here)';

const STATIC = {
  gpu: 0,
  asic: {
    market_name: 'AMD Instinct MI300X',
    vendor_id: '0x1002',
    device_id: '0x74a1',
    oam_id: 'N/A',
    num_compute_units: 304,
    target_graphics_version: 'gfx942',
  },
  driver: { name: 'amdgpu', version: '6.12.12' },
  vram: { type: 'HBM3', size: { value: 196592, unit: 'MB' } },
};
const METRIC = {
  gpu: 0,
  usage: { gfx_activity: { value: 100, unit: '%' }, umc_activity: { value: 0, unit: '%' }, vcn_activity: ['N/A'] },
  power: { socket_power: { value: 133, unit: 'W' }, gfx_voltage: 'N/A' },
  temperature: { edge: 'N/A', hotspot: { value: 42, unit: 'C' }, mem: { value: 36, unit: 'C' } },
  ecc: { total_correctable_count: 3, total_uncorrectable_count: 0 },
  mem_usage: { total_vram: { value: 196592, unit: 'MB' }, used_vram: { value: 285, unit: 'MB' } },
};
const LISTED = { gpu: 0, bdf: '0000:05:00.0', uuid: '54ff74a1-0000-1000-80d4-83b7a1d4e3c2' };

function said(json: unknown): Answer {
  return { kind: 'text', text: JSON.stringify(json, null, 4) };
}

function read(...[gpu = [STATIC], metric = [METRIC], list = [LISTED]]: unknown[]): GpuReading {
  return readAmdSmi([said(gpu), said(metric), said(list)]);
}

function only(reading: GpuReading): Partial<GpuDevice> {
  return reading.kind === 'devices' ? (reading.devices[0] ?? {}) : {};
}

describe('readAmdSmi', () => {
  it('puts the answers together', () => {
    expect(read()).toEqual({
      kind: 'devices',
      problems: [],
      devices: [
        {
          index: 0,
          name: 'AMD Instinct MI300X',
          family: 'mi300x',
          uuid: '54ff74a1-0000-1000-80d4-83b7a1d4e3c2',
          driver: '6.12.12',
          temperatureC: 42,
          utilizationPct: 100,
          memoryTotalMib: 196592,
          memoryUsedMib: 285,
          powerW: 133,
          eccUncorrectable: 0,
        },
      ],
    });
    expect(AMD_QUESTIONS.map(([aspect]) => aspect)).toEqual(['static', 'metric', 'list']);
  });

  it('reads what 26.x wraps into an object', () => {
    expect(read({ gpu_data: [STATIC] }, { gpu_data: [METRIC] })).toEqual(read());
  });

  it('puts GPUs together by their number, in whatever order they come', () => {
    const reading = read(
      [STATIC, { ...STATIC, gpu: 1 }],
      [{ ...METRIC, gpu: 1, ecc: { total_uncorrectable_count: 7 } }, METRIC],
    );
    expect(reading).toMatchObject({
      devices: [
        { index: 0, eccUncorrectable: 0, uuid: LISTED.uuid },
        { index: 1, eccUncorrectable: 7, uuid: null },
      ],
    });
  });

  it('finds the JSON between warnings', () => {
    const warning =
      'WARNING: User is missing the following required groups: render, video.\n[WARNING] low-power state\n';
    const text = `${warning}${JSON.stringify([STATIC])}\nWARNING: low-power state\n`;
    expect(only(readAmdSmi([{ kind: 'text', text }]))).toMatchObject({ family: 'mi300x', driver: '6.12.12' });
  });

  it.each([
    ['a bare number', 42, 42],
    ['a text with a unit', '42 C', 42],
    ['a text', '42', 42],
    ['N/A', 'N/A', null],
    ['a number of another kind', '0x2a', null],
    ['a version', '1.2.3', null],
    ['a unit without a value', { value: 'N/A', unit: 'N/A' }, null],
    ['a list', [42], null],
  ])('reads %s', (_, hotspot, temperatureC) => {
    expect(only(read([STATIC], [{ ...METRIC, temperature: { hotspot } }])).temperatureC).toBe(temperatureC);
  });

  it.each([
    [{ value: 206141652992, unit: 'B' }, 196592],
    [{ value: 192, unit: 'GB' }, 196608],
    [196592, 196592],
    [{ value: 3, unit: 'pages' }, null],
  ])('takes %j for %s MiB', (total_vram, memoryTotalMib) => {
    expect(only(read([{ ...STATIC, vram: {} }], [{ ...METRIC, mem_usage: { total_vram } }])).memoryTotalMib).toBe(
      memoryTotalMib,
    );
  });

  it('reads what other versions call otherwise', () => {
    const gpu = { ...STATIC, driver: { driver_name: 'amdgpu', driver_version: '6.7.0' } };
    const metric = {
      ...METRIC,
      power: { socket_power: 'N/A', average_socket_power: { value: 90, unit: 'W' } },
      temperature: { edge: 31, hotspot: 'N/A' },
    };
    expect(only(read([gpu], [metric]))).toMatchObject({ driver: '6.7.0', powerW: 90, temperatureC: 31 });
  });

  it('says what stays without an answer, and keeps the rest', () => {
    const reading = readAmdSmi([
      said([STATIC]),
      { kind: 'text', text: '{\n    "gpu_data": [\n        {\n            "gpu": 0,\n' },
      { kind: 'problem', problem: 'amd-smi list --json ended with code 1' },
    ]);
    expect(reading).toMatchObject({
      devices: [{ family: 'mi300x', memoryTotalMib: 196592, memoryUsedMib: null, temperatureC: null, uuid: null }],
    });
    expect(reading.kind === 'devices' && reading.problems).toEqual([
      expect.stringContaining('amd-smi metric answered no list of GPUs: "{'),
      'amd-smi list --json ended with code 1',
    ]);
  });

  it.each(['', 'ModuleNotFoundError: No module named', '{"gpu_data": "none"}', '[{"asic": {}}]', '[1]', '[{"gpu": 0'])(
    'has a problem with %j',
    (text) => {
      expect(readAmdSmi([{ kind: 'text', text }])).toMatchObject({ kind: 'problem' });
    },
  );

  it('passes on why the tool failed', () => {
    const problem = 'amd-smi static --json ended with code 1';
    expect(readAmdSmi([{ kind: 'problem', problem }, said([METRIC])])).toEqual({ kind: 'problem', problem });
  });
});

describe.skipIf(!existsSync(SAMPLES))(withSamples, () => {
  const sample = (name: string): Answer => ({ kind: 'text', text: readFileSync(join(SAMPLES, name), 'utf8') });

  it('that broke off leave the measurements unknown', () => {
    const truncated = sample('idx57072628384_amdsmi_26.2.1_metric_usage_truncated.txt');
    const reading = readAmdSmi([said([STATIC]), truncated, said([LISTED])]);
    expect(reading).toMatchObject({
      devices: [{ family: 'mi300x', utilizationPct: null }],
      problems: [expect.any(String)],
    });
    expect(readAmdSmi([truncated])).toMatchObject({ kind: 'problem' });
  });

  it('of 26.2.1 are lists of GPUs', () => {
    expect(readAmdSmi([sample('idx57072628384_amdsmi_26.2.1_process.json')])).toMatchObject({
      devices: [{ index: 0, name: null, family: null, memoryTotalMib: null }],
    });
  });
});
