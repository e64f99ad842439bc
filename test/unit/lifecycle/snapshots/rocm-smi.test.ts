import { describe, expect, it } from 'vitest';
import type { GpuReading } from '../../../../src/lifecycle/snapshots/gpu-state.ts';
import { readRocmSmi, ROCM_QUESTIONS } from '../../../../src/lifecycle/snapshots/rocm-smi.ts';

const CARD = {
  'Card Series': 'AMD Instinct MI300X',
  'Card Model': '0x74a1',
  'Unique ID': '0x2150e7d042a1124',
  'Temperature (Sensor edge) (C)': 'N/A',
  'Temperature (Sensor junction) (C)': '42.0',
  'Temperature (Sensor memory) (C)': '36.0',
  'Current Socket Graphics Package Power (W)': '133.0',
  'GPU use (%)': '7',
  'VRAM Total Used Memory (B)': '297795584',
  'VRAM Total Memory (B)': '206141652992',
  'GFX Version': 'gfx942',
};

function read(json: unknown, before = ''): GpuReading {
  return readRocmSmi([{ kind: 'text', text: `${before}${JSON.stringify(json)}\n` }]);
}

describe('readRocmSmi', () => {
  it('reads cards, and the driver from beside them', () => {
    expect(read({ card0: CARD, card11: CARD, system: { 'Driver version': '6.12.12' } })).toEqual({
      kind: 'devices',
      problems: [],
      devices: [0, 11].map((index) => ({
        index,
        name: 'AMD Instinct MI300X',
        family: 'mi300x',
        uuid: '0x2150e7d042a1124',
        driver: '6.12.12',
        temperatureC: 42,
        utilizationPct: 7,
        memoryTotalMib: 196592,
        memoryUsedMib: 284,
        powerW: 133,
        eccUncorrectable: null,
      })),
    });
  });

  it('reads what older versions call otherwise', () => {
    const old = {
      'Card series': 'AMD INSTINCT MI250 (MCM) OAM AC MBA',
      'Average Graphics Package Power (W)': '90.0',
      'Temperature (Sensor edge) (C)': '31.0',
    };
    expect(read({ card0: old })).toMatchObject({
      devices: [{ family: 'mi250', powerW: 90, temperatureC: 31, driver: null, utilizationPct: null }],
    });
  });

  it('finds the JSON behind a warning', () => {
    const before = '\nWARNING: AMD GPU device(s) is/are in a low-power state. Check power control/runtime_status\n\n';
    expect(read({ card0: CARD }, before)).toMatchObject({ devices: [{ family: 'mi300x' }] });
  });

  it.each(['', 'ERROR: GPU[0] : get_power_avg', '[]', '{"card0": {"Card'])('has a problem with %j', (text) => {
    expect(readRocmSmi([{ kind: 'text', text }])).toMatchObject({ kind: 'problem' });
  });

  it('never asks for error counts, which makes the kernel log errors that are none', () => {
    expect(ROCM_QUESTIONS.flat().join(' ')).not.toMatch(/ras|showall|-a\b/);
  });
});
