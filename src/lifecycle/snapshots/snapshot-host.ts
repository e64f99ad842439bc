import { explainGpuMismatch, explainUnknownGpus } from '../../core/gpu-family.ts';
import type { Executor } from '../../exec/executor.ts';
import { readKernelLog } from '../kernel-log.ts';
import type { KernelMark } from '../kernel-log.ts';
import type { GpuState } from './gpu-state.ts';
import { measureGpus } from './measure-gpus.ts';

/** What a host was like before or after a run. */
export interface HostSnapshot {
  readonly gpu: GpuState;
  /** Where its kernel log stood: before a run, all later lines are of the run. */
  readonly kernel: KernelMark;
}

/** Which snapshot it is, and where it goes. */
export interface SnapshotOptions {
  readonly when: 'pre' | 'post';
  /** Keeps a file of the run; `name` is relative to the run directory. */
  readonly write: (name: string, content: string) => void | Promise<void>;
}

/**
 * Writes down a host's kernel log and the state of its GPUs: `logs/dmesg.<host>.<when>.txt` and
 * `logs/gpu_state.<host>.<when>.json`. What the host lacks, its answer included, is a fact in them, not an error.
 */
export async function snapshotHost(executor: Executor, { when, write }: SnapshotOptions): Promise<HostSnapshot> {
  const snapshot = when === 'pre' ? await gpusFirst(executor) : await kernelFirst(executor);
  const { gpu, kernel } = snapshot;
  const about = `${executor.host}.${when}`;
  await write(`logs/dmesg.${about}.txt`, kernelText(kernel));
  await write(`logs/gpu_state.${about}.json`, `${JSON.stringify(gpu, null, 2)}\n`);
  return snapshot;
}

// Asking a GPU for its error counts can make its driver log them: on neither side may those
// lines count as the run's.
async function gpusFirst(executor: Executor): Promise<HostSnapshot> {
  const gpu = await measureGpus(executor);
  return { gpu, kernel: await readKernelLog(executor) };
}

async function kernelFirst(executor: Executor): Promise<HostSnapshot> {
  const kernel = await readKernelLog(executor);
  return { gpu: await measureGpus(executor), kernel };
}

function kernelText(kernel: KernelMark): string {
  if (kernel.state === 'unreadable') return `not read: ${kernel.reason}\n`;
  return kernel.lines.map((line) => `${line}\n`).join('');
}

/** Why a host does not have the GPU that a config is for; null where it does, or where nobody can tell. */
export function checkTargetGpu(target: string, host: string, gpu: GpuState): string | null {
  if (gpu.state === 'unreadable') return null;
  const mismatch = explainGpuMismatch(target, { host, names: gpu.devices.map(({ name }) => name) });
  if (mismatch === null || gpu.devices.length > 0) return mismatch;
  return gpu.state === 'absent' ? `${mismatch} (${gpu.reason})` : `${mismatch} (${gpu.tool} lists none)`;
}

/** What kept `checkTargetGpu` from telling whether a host has the right GPU; null where nothing did. */
export function noteOnTargetGpu(target: string, host: string, gpu: GpuState): string | null {
  if (gpu.state !== 'unreadable')
    return explainUnknownGpus(target, { host, names: gpu.devices.map(({ name }) => name) });
  return target.toLowerCase() === 'cpu'
    ? null
    : `target_gpu is ${target}, which could not be verified on ${host}: ${gpu.problem}`;
}
