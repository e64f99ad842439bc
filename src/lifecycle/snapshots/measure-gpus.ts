import type { Executor } from '../../exec/executor.ts';
import { AMD_QUESTIONS, readAmdSmi } from './amd-smi.ts';
import { ask } from './ask.ts';
import type { Answer } from './ask.ts';
import { GPU_TOOLS } from './gpu-state.ts';
import type { GpuReading, GpuState, GpuTool } from './gpu-state.ts';
import { NVIDIA_QUESTIONS, readNvidiaSmi } from './nvidia-smi.ts';
import { readRocmSmi, ROCM_QUESTIONS } from './rocm-smi.ts';

interface ToolUse {
  readonly version: readonly string[];
  readonly questions: readonly (readonly string[])[];
  readonly read: (answers: readonly Answer[]) => GpuReading;
}

const USES: Readonly<Record<GpuTool, ToolUse>> = {
  'nvidia-smi': { version: ['--version'], questions: NVIDIA_QUESTIONS, read: readNvidiaSmi },
  'amd-smi': { version: ['version'], questions: AMD_QUESTIONS, read: readAmdSmi },
  'rocm-smi': { version: ['--version'], questions: ROCM_QUESTIONS, read: readRocmSmi },
};

const LIST_TOOLS = `for tool in ${GPU_TOOLS.join(' ')}; do command -v "$tool" >/dev/null 2>&1 && echo "$tool"; done; true`;

/**
 * What the GPUs of a host are like, from the first tool there that finds some. A host without any, or one
 * that does not answer, is a fact too: never throws for what a host lacks.
 */
export async function measureGpus(executor: Executor): Promise<GpuState> {
  const listed = await ask(executor, { file: 'sh', args: ['-c', LIST_TOOLS] });
  if (listed.kind === 'problem') return { state: 'unreadable', tool: null, problem: listed.problem, devices: [] };
  const printed = new Set(listed.text.split(/\r?\n/));
  let first: GpuState | null = null;
  for (const tool of GPU_TOOLS.filter((name) => printed.has(name))) {
    // One after the other: the next is needed only when this one finds nothing.
    const state = await use(executor, tool);
    if (state.devices.length > 0) return state;
    first ??= state;
  }
  const reason = `no GPU here: none of ${GPU_TOOLS.join(', ')} is installed`;
  return first ?? { state: 'absent', tool: null, reason, devices: [] };
}

async function use(executor: Executor, tool: GpuTool): Promise<GpuState> {
  const { version, questions, read } = USES[tool];
  const [told, ...answers] = await Promise.all(
    [version, ...questions].map((args) => ask(executor, { file: tool, args })),
  );
  const reading = read(answers);
  if (reading.kind === 'problem') return { state: 'unreadable', tool, problem: reading.problem, devices: [] };
  return {
    state: 'measured',
    tool,
    toolVersion: told?.kind === 'text' ? (/\d{1,6}(?:\.\d{1,6}){1,4}/.exec(told.text)?.[0] ?? null) : null,
    devices: reading.devices,
    problems: reading.problems,
  };
}
