import { gpuFamilyOf } from '../../core/gpu-family.ts';
import type { Answer } from './ask.ts';
import type { GpuDevice, GpuReading } from './gpu-state.ts';
import { findJson, isObject, numberAt, textAt } from './tool-json.ts';
import type { JsonObject } from './tool-json.ts';

const ASPECTS = ['static', 'metric', 'list'] as const;

/** What amd-smi is asked: what the GPUs are, how they are, and what identifies them. */
export const AMD_QUESTIONS: readonly (readonly string[])[] = ASPECTS.map((aspect) => [aspect, '--json']);

const MIB_PER_UNIT: Readonly<Record<string, number>> = { B: 1 / 1024 ** 2, KB: 1 / 1024, MB: 1, GB: 1024 };

/** Reads the answers of amd-smi: a list of GPUs, which 26.x wraps into `gpu_data`. */
export function readAmdSmi(answers: readonly Answer[]): GpuReading {
  const parts = ASPECTS.map((aspect, index) => readPart(aspect, answers[index]));
  const [statics, metrics, list] = parts.map(({ gpus }) => gpus);
  const problems = parts.flatMap(({ problem }) => problem ?? []);
  // Without the first there is no telling which GPUs there are.
  if (statics === null || statics === undefined) return { kind: 'problem', problem: problems[0] ?? 'amd-smi' };
  const devices = [...statics].map(([index, gpu]) =>
    deviceOf(index, { gpu, metric: metrics?.get(index), listed: list?.get(index) }),
  );
  return { kind: 'devices', devices, problems };
}

interface Part {
  readonly gpus: ReadonlyMap<number, JsonObject> | null;
  readonly problem: string | null;
}

function readPart(aspect: string, answer: Answer | undefined): Part {
  const failed = (problem: string): Part => ({ gpus: null, problem });
  if (answer === undefined) return failed(`amd-smi ${aspect} was not asked`);
  if (answer.kind === 'problem') return failed(answer.problem);
  const gpus = gpusOf(findJson(answer.text));
  if (gpus === null) return failed(`amd-smi ${aspect} answered no list of GPUs: "${answer.text.trim().slice(0, 200)}"`);
  return { gpus, problem: null };
}

/** The GPUs by index; null for anything that does not number them. */
function gpusOf(json: unknown): ReadonlyMap<number, JsonObject> | null {
  const list: unknown = isObject(json) ? json['gpu_data'] : json;
  if (!Array.isArray(list)) return null;
  const gpus = new Map<number, JsonObject>();
  for (const entry of list) {
    const index = numberAt(entry, 'gpu');
    if (!isObject(entry) || index === null) return null;
    gpus.set(index, entry);
  }
  return gpus;
}

interface DeviceParts {
  readonly gpu: JsonObject;
  readonly metric: JsonObject | undefined;
  readonly listed: JsonObject | undefined;
}

function deviceOf(index: number, { gpu, metric, listed }: DeviceParts): GpuDevice {
  const name = textAt(gpu, 'asic.market_name', 'board.product_name');
  return {
    index,
    name,
    family: gpuFamilyOf(name),
    uuid: textAt(listed, 'uuid'),
    driver: textAt(gpu, 'driver.version', 'driver.driver_version'),
    temperatureC: numberAt(metric, 'temperature.hotspot', 'temperature.edge'),
    utilizationPct: numberAt(metric, 'usage.gfx_activity'),
    memoryTotalMib: mibAt(metric, 'mem_usage.total_vram') ?? mibAt(gpu, 'vram.size'),
    memoryUsedMib: mibAt(metric, 'mem_usage.used_vram'),
    powerW: numberAt(metric, 'power.socket_power', 'power.current_socket_power', 'power.average_socket_power'),
    eccUncorrectable: numberAt(metric, 'ecc.total_uncorrectable_count'),
  };
}

/** Memory in MiB; what this tool calls MB is that. A bare number is MB as well. */
function mibAt(value: unknown, path: string): number | null {
  const amount = numberAt(value, path);
  const factor = MIB_PER_UNIT[textAt(value, `${path}.unit`) ?? 'MB'];
  return amount === null || factor === undefined ? null : amount * factor;
}
