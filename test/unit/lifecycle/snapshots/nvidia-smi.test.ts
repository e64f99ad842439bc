import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { GpuReading } from '../../../../src/lifecycle/snapshots/gpu-state.ts';
import { NVIDIA_QUESTIONS, readNvidiaSmi } from '../../../../src/lifecycle/snapshots/nvidia-smi.ts';

const SAMPLE = new URL('../../../../../shared/samples/gpu-smi/flame_nvidia-smi.csv', import.meta.url).pathname;
const withSample = existsSync(SAMPLE) ? 'a recorded log' : 'a recorded log (skipped: the samples are not here)';

function read(text: string): GpuReading {
  return readNvidiaSmi([{ kind: 'text', text }]);
}

const H100 =
  '0, NVIDIA H100 80GB HBM3, GPU-509665ad-b600-ac93-3616-d754b23d636d, 550.54.15, 33, 0, 81559, 4, 70.31, 0\n';

describe('readNvidiaSmi', () => {
  it('reads one GPU a line', () => {
    expect(read(`${H100}${H100.replace('0', '1')}`)).toMatchObject({ devices: [{ index: 0 }, { index: 1 }] });
    expect(read(H100)).toEqual({
      kind: 'devices',
      problems: [],
      devices: [
        {
          index: 0,
          name: 'NVIDIA H100 80GB HBM3',
          family: 'h100',
          uuid: 'GPU-509665ad-b600-ac93-3616-d754b23d636d',
          driver: '550.54.15',
          temperatureC: 33,
          utilizationPct: 0,
          memoryTotalMib: 81559,
          memoryUsedMib: 4,
          powerW: 70.31,
          eccUncorrectable: 0,
        },
      ],
    });
  });

  it('asks for as many values as it reads, in CSV without units', () => {
    const [[query = '', ...format] = []] = NVIDIA_QUESTIONS;
    expect(query.split(',')).toHaveLength(H100.split(',').length);
    expect(format).toEqual(['--format=csv,noheader,nounits']);
  });

  it.each(['[N/A]', 'N/A', '[Not Supported]', '[Unknown Error]', '[GPU requires reset]', ''])(
    'takes %j for not measured',
    (nothing) => {
      const line = ['0', 'Tesla T4', ...Array.from({ length: 8 }, () => nothing)].join(', ');
      expect(read(line)).toMatchObject({
        devices: [
          { temperatureC: null, utilizationPct: null, memoryTotalMib: null, powerW: null, eccUncorrectable: null },
        ],
      });
    },
  );

  it('reads values that kept their units', () => {
    expect(read(H100.replace('70.31', '70.31 W').replace('81559', '81559 MiB'))).toMatchObject({
      devices: [{ powerW: 70.31, memoryTotalMib: 81559 }],
    });
  });

  it('keeps a name with commas in one piece', () => {
    expect(read(H100.replace('H100 80GB', 'H100, PCIe, 80GB'))).toMatchObject({
      devices: [{ name: 'NVIDIA H100, PCIe, 80GB HBM3', family: 'h100', driver: '550.54.15', eccUncorrectable: 0 }],
    });
  });

  it('knows no family of a name that it does not know', () => {
    expect(read(H100.replace('NVIDIA H100 80GB HBM3', 'NVIDIA Graphics Device'))).toMatchObject({
      devices: [{ name: 'NVIDIA Graphics Device', family: null }],
    });
  });

  it('finds no GPU where the tool says so, in whatever way it ends', () => {
    const none = { kind: 'devices', devices: [], problems: [] };
    expect(read('No devices were found\n')).toEqual(none);
    const problem = 'nvidia-smi ended with code 6: No devices were found';
    expect(readNvidiaSmi([{ kind: 'problem', problem }])).toEqual(none);
  });

  it.each([
    '',
    'Field "ecc.errors" is not a valid field to query.\n',
    "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.",
    '0, NVIDIA H100 80GB HBM3, GPU-5096',
    `${H100}1, NVIDIA H1`,
    H100.replace('0,', 'index,'),
  ])('has a problem with %j', (text) => {
    expect(read(text)).toMatchObject({ kind: 'problem' });
  });

  it('passes on why the tool failed', () => {
    const problem = 'nvidia-smi ended with code 9';
    expect(readNvidiaSmi([{ kind: 'problem', problem }])).toEqual({ kind: 'problem', problem });
  });
});

describe.skipIf(!existsSync(SAMPLE))(withSample, () => {
  it('is no answer to what was asked', () => {
    expect(read(readFileSync(SAMPLE, 'utf8'))).toEqual({
      kind: 'problem',
      problem: 'nvidia-smi answered "timestamp, power.draw [W]"',
    });
  });
});
