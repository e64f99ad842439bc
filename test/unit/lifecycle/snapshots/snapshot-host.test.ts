import { describe, expect, it } from 'vitest';
import type { Executor, Finished } from '../../../../src/exec/executor.ts';
import type { Exit } from '../../../../src/exec/exit.ts';
import { localExecutor } from '../../../../src/exec/local.ts';
import type { GpuState } from '../../../../src/lifecycle/snapshots/gpu-state.ts';
import { checkTargetGpu, noteOnTargetGpu, snapshotHost } from '../../../../src/lifecycle/snapshots/snapshot-host.ts';
import type { HostSnapshot } from '../../../../src/lifecycle/snapshots/snapshot-host.ts';

type Said = string | Exit;

const H100 = '0, NVIDIA H100 80GB HBM3, GPU-5096, 550.54.15, 33, 0, 81559, 4, 70.31, 0\n';
const ROCM = JSON.stringify({ card0: { 'Card Series': 'AMD Instinct MI300X' } });
const MISSING: Exit = { kind: 'exited', code: 127 };

/** A host on which these programs answer this; `sh` finds them, as long as the host is there. */
class Host {
  readonly #programs: Readonly<Record<string, Said>>;
  readonly asked: string[] = [];

  constructor(programs: Readonly<Record<string, Said>>) {
    this.#programs = programs;
  }

  readonly executor = {
    host: 'n1',
    run: async ({ file, args }, options): Promise<Finished> => {
      expect(options?.timeoutMs).toBe(20_000);
      this.asked.push(file);
      await Promise.resolve();
      const said =
        file === 'sh'
          ? (this.#programs['sh'] ?? `${Object.keys(this.#programs).join('\n')}\n`)
          : this.#answer(file, args);
      if (typeof said === 'string') return { exit: { kind: 'exited', code: 0 }, stdout: said, stderr: '' };
      return { exit: said, stdout: '', stderr: '' };
    },
  } as Executor;

  #answer(file: string, args: readonly string[]): Said {
    const isVersion = args[0] === '--version' || args[0] === 'version';
    return isVersion ? `${file} version  : 26.2.1+fc0010\n` : (this.#programs[file] ?? MISSING);
  }
}

async function snapshot(
  programs: Readonly<Record<string, Said>>,
  when: 'pre' | 'post' = 'pre',
): Promise<HostSnapshot & { files: Record<string, string>; asked: readonly string[] }> {
  const host = new Host(programs);
  const files: Record<string, string> = {};
  const taken = await snapshotHost(host.executor, { when, write: (name, content) => void (files[name] = content) });
  return { ...taken, files, asked: host.asked };
}

describe('snapshotHost', () => {
  it('keeps the kernel log and the state of the GPUs', async () => {
    const log = '[    1.000001] booted\n[    9.000002] up\n';
    const { gpu, kernel, files } = await snapshot({ dmesg: log, 'nvidia-smi': H100 });
    expect(kernel).toMatchObject({ state: 'read', stampS: 9.000002 });
    expect(gpu).toMatchObject({
      state: 'measured',
      tool: 'nvidia-smi',
      toolVersion: '26.2.1',
      devices: [{ family: 'h100' }],
      problems: [],
    });
    expect(Object.keys(files)).toEqual(['logs/dmesg.n1.pre.txt', 'logs/gpu_state.n1.pre.json']);
    expect(files['logs/dmesg.n1.pre.txt']).toBe(log);
    expect(JSON.parse(files['logs/gpu_state.n1.pre.json'] ?? '')).toEqual(gpu);
  });

  it('names the files of the other side otherwise', async () => {
    const { files } = await snapshot({ dmesg: '' }, 'post');
    expect(Object.keys(files)).toEqual(['logs/dmesg.n1.post.txt', 'logs/gpu_state.n1.post.json']);
  });

  it('keeps the run clear of what asking a GPU makes its driver log', async () => {
    expect((await snapshot({ dmesg: '', 'nvidia-smi': H100 }, 'pre')).asked.at(-1)).toBe('dmesg');
    expect((await snapshot({ dmesg: '', 'nvidia-smi': H100 }, 'post')).asked[0]).toBe('dmesg');
  });

  it('takes a host that has nothing for a fact', async () => {
    const { gpu, kernel, files } = await snapshot({});
    expect(gpu).toEqual({
      state: 'absent',
      tool: null,
      reason: 'no GPU here: none of nvidia-smi, amd-smi, rocm-smi is installed',
      devices: [],
    });
    expect(kernel).toEqual({ state: 'unreadable', reason: 'dmesg ended with code 127' });
    expect(files['logs/dmesg.n1.pre.txt']).toBe('not read: dmesg ended with code 127\n');
  });

  it('takes a host that does not answer for a fact, not for one without a GPU', async () => {
    const lost: Exit = { kind: 'lost', reason: 'n1 is not reachable' };
    const { gpu, kernel } = await snapshot({ sh: lost, dmesg: lost, 'nvidia-smi': lost });
    expect(gpu).toMatchObject({
      state: 'unreadable',
      tool: null,
      problem: expect.stringContaining('n1 is not reachable'),
    });
    expect(kernel).toEqual({ state: 'unreadable', reason: 'dmesg was lost: n1 is not reachable' });
    expect(checkTargetGpu('h100', 'n1', gpu)).toBeNull();
  });

  it('asks the next tool where the first one finds nothing', async () => {
    const broken: Exit = { kind: 'exited', code: 1 };
    const { gpu } = await snapshot({ 'nvidia-smi': 'No devices were found\n', 'amd-smi': broken, 'rocm-smi': ROCM });
    expect(gpu).toMatchObject({ state: 'measured', tool: 'rocm-smi', devices: [{ family: 'mi300x' }] });
  });

  it('says what is wrong with the only tool', async () => {
    const { gpu } = await snapshot({ 'nvidia-smi': 'Segmentation' });
    expect(gpu).toEqual({
      state: 'unreadable',
      tool: 'nvidia-smi',
      problem: 'nvidia-smi answered "Segmentation"',
      devices: [],
    });
  });

  it('works on this very machine, whatever it has', async () => {
    const files: string[] = [];
    const { gpu } = await snapshotHost(localExecutor('localhost'), {
      when: 'pre',
      write: (name) => void files.push(name),
    });
    expect(files).toEqual(['logs/dmesg.localhost.pre.txt', 'logs/gpu_state.localhost.pre.json']);
    expect(['measured', 'absent', 'unreadable']).toContain(gpu.state);
  });
});

describe('the GPU that a config is for', () => {
  const h100: Said = H100;

  it('is there', async () => {
    const { gpu } = await snapshot({ 'nvidia-smi': h100 });
    expect([checkTargetGpu('h100', 'n1', gpu), noteOnTargetGpu('h100', 'n1', gpu)]).toEqual([null, null]);
    expect([checkTargetGpu('cpu', 'n1', gpu), noteOnTargetGpu('cpu', 'n1', gpu)]).toEqual([null, null]);
  });

  it('is another one', async () => {
    const { gpu } = await snapshot({ 'nvidia-smi': h100 });
    expect(checkTargetGpu('mi300x', 'n1', gpu)).toMatchInlineSnapshot(
      `"target_gpu is mi300x, but n1 has 1x h100 (NVIDIA H100 80GB HBM3)"`,
    );
  });

  it('is nowhere', async () => {
    const messages = await Promise.all(
      [{}, { 'nvidia-smi': 'No devices were found\n' }].map(async (programs) => {
        const { gpu } = await snapshot(programs);
        expect(checkTargetGpu('cpu', 'n1', gpu)).toBeNull();
        return checkTargetGpu('mi300x', 'n1', gpu);
      }),
    );
    expect(messages).toMatchInlineSnapshot(`
      [
        "target_gpu is mi300x, but n1 has no GPU (no GPU here: none of nvidia-smi, amd-smi, rocm-smi is installed)",
        "target_gpu is mi300x, but n1 has no GPU (nvidia-smi lists none)",
      ]
    `);
  });

  it('may be the one that nobody knows by name', async () => {
    const { gpu } = await snapshot({ 'nvidia-smi': H100.replace('NVIDIA H100 80GB HBM3', 'NVIDIA Graphics Device') });
    expect(checkTargetGpu('gb200', 'n1', gpu)).toBeNull();
    expect(noteOnTargetGpu('gb200', 'n1', gpu)).toMatchInlineSnapshot(
      `"target_gpu is gb200, which could not be verified: n1 has 1x of a family unknown here (NVIDIA Graphics Device)"`,
    );
  });

  it('may be there where the tool is broken', () => {
    const gpu: GpuState = { state: 'unreadable', tool: 'amd-smi', problem: 'amd-smi ended with code 1', devices: [] };
    expect(checkTargetGpu('mi300x', 'n1', gpu)).toBeNull();
    expect(noteOnTargetGpu('mi300x', 'n1', gpu)).toMatchInlineSnapshot(
      `"target_gpu is mi300x, which could not be verified on n1: amd-smi ended with code 1"`,
    );
    expect(noteOnTargetGpu('cpu', 'n1', gpu)).toBeNull();
  });
});
