import { gpuFamilyOf } from '../../core/gpu-family.ts';
import type { Answer } from './ask.ts';
import type { GpuDevice, GpuReading } from './gpu-state.ts';
import { findJson, isObject, numberAt, textAt } from './tool-json.ts';

/**
 * What rocm-smi is asked. Not for RAS counts: asking makes the kernel log uncorrectable errors that are
 * none.
 */
export const ROCM_QUESTIONS: readonly (readonly string[])[] = [
  '--showproductname --showuniqueid --showdriverversion --showuse --showtemp --showpower --showmeminfo vram --json'.split(
    ' ',
  ),
];

/** Reads the answer of rocm-smi: an object of cards, all values texts; `system` beside them is no card. */
export function readRocmSmi([answer]: readonly Answer[]): GpuReading {
  if (answer === undefined || answer.kind === 'problem') {
    return { kind: 'problem', problem: answer?.problem ?? 'rocm-smi was not asked' };
  }
  const json = findJson(answer.text);
  if (!isObject(json)) {
    return { kind: 'problem', problem: `rocm-smi answered no JSON: "${answer.text.trim().slice(0, 200)}"` };
  }
  const driver = textAt(json, 'system.Driver version');
  const devices = Object.entries(json).flatMap(([key, card]) => {
    const index = /^card(\d{1,4})$/.exec(key)?.[1];
    return index === undefined ? [] : [deviceOf(Number(index), { card, driver })];
  });
  return { kind: 'devices', devices, problems: [] };
}

function deviceOf(
  index: number,
  { card, driver }: { readonly card: unknown; readonly driver: string | null },
): GpuDevice {
  const name = textAt(card, 'Card Series', 'Card series');
  return {
    index,
    name,
    family: gpuFamilyOf(name),
    uuid: textAt(card, 'Unique ID'),
    driver,
    temperatureC: numberAt(card, 'Temperature (Sensor junction) (C)', 'Temperature (Sensor edge) (C)'),
    utilizationPct: numberAt(card, 'GPU use (%)'),
    memoryTotalMib: mib(numberAt(card, 'VRAM Total Memory (B)')),
    memoryUsedMib: mib(numberAt(card, 'VRAM Total Used Memory (B)')),
    powerW: numberAt(card, 'Current Socket Graphics Package Power (W)', 'Average Graphics Package Power (W)'),
    eccUncorrectable: null,
  };
}

function mib(bytes: number | null): number | null {
  return bytes === null ? null : bytes / 1024 ** 2;
}
