import { gpuFamilyOf } from '../../core/gpu-family.ts';
import type { Answer } from './ask.ts';
import { leadingNumber, toldText } from './gpu-state.ts';
import type { GpuDevice, GpuReading } from './gpu-state.ts';

const FIELDS = [
  'index',
  'name',
  'uuid',
  'driver_version',
  'temperature.gpu',
  'utilization.gpu',
  'memory.total',
  'memory.used',
  'power.draw',
  'ecc.errors.uncorrected.volatile.total',
] as const;

/** What nvidia-smi is asked. */
export const NVIDIA_QUESTIONS: readonly (readonly string[])[] = [
  [`--query-gpu=${FIELDS.join(',')}`, '--format=csv,noheader,nounits'],
];

/** Reads the answer of nvidia-smi: one line of comma-separated values per GPU, memory in MiB. */
export function readNvidiaSmi([answer]: readonly Answer[]): GpuReading {
  if (answer === undefined || answer.kind === 'problem')
    return noDevices(answer?.problem ?? 'nvidia-smi was not asked');
  if (/^No devices were found/m.test(answer.text)) return { kind: 'devices', devices: [], problems: [] };
  const lines = answer.text.split(/\r?\n/).filter((line) => line.trim() !== '');
  const devices: GpuDevice[] = [];
  for (const line of lines) {
    const device = readLine(line);
    if (device === null) return { kind: 'problem', problem: `nvidia-smi answered "${line.slice(0, 200)}"` };
    devices.push(device);
  }
  if (devices.length === 0) return { kind: 'problem', problem: 'nvidia-smi answered nothing' };
  return { kind: 'devices', devices, problems: [] };
}

// A machine without an NVIDIA GPU may well have the tool: that it finds none is an answer too.
function noDevices(problem: string): GpuReading {
  if (problem.includes('No devices were found')) return { kind: 'devices', devices: [], problems: [] };
  return { kind: 'problem', problem };
}

function readLine(line: string): GpuDevice | null {
  const values = line.split(',').map((value) => value.trim());
  // A name may hold commas; nothing else does.
  const name = values.splice(1, values.length - FIELDS.length + 1).join(', ');
  if (values.length !== FIELDS.length - 1 || !/^\d{1,4}$/.test(values[0] ?? '')) return null;
  values.splice(1, 0, name);
  const value = (field: (typeof FIELDS)[number]): string => values[FIELDS.indexOf(field)] ?? '';
  return {
    index: Number(value('index')),
    name: toldText(name),
    family: gpuFamilyOf(toldText(name)),
    uuid: toldText(value('uuid')),
    driver: toldText(value('driver_version')),
    temperatureC: leadingNumber(value('temperature.gpu')),
    utilizationPct: leadingNumber(value('utilization.gpu')),
    memoryTotalMib: leadingNumber(value('memory.total')),
    memoryUsedMib: leadingNumber(value('memory.used')),
    powerW: leadingNumber(value('power.draw')),
    eccUncorrectable: leadingNumber(value('ecc.errors.uncorrected.volatile.total')),
  };
}
