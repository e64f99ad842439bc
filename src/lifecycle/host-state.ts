import { WorkloadFailure } from '../evidence/failure.ts';
import { ensureImage } from '../exec/container-image.ts';
import type { JobContext } from './context.ts';
import { watchKernelLog } from './kernel-log.ts';
import type { KernelLogWatch } from './kernel-log.ts';
import { matchKernelLine } from './patterns.ts';
import { checkTargetGpu, noteOnTargetGpu, snapshotHost } from './snapshots/snapshot-host.ts';
import type { HostSnapshot } from './snapshots/snapshot-host.ts';

const UNVERIFIED_GPU = { id: 'target_gpu_unverified', hint: 'see logs/gpu_state.<host>.pre.json' };

/** What the hosts of a run were like before it, and what their kernels say while it runs. */
export class HostState {
  readonly #context: JobContext;
  /** Per host, before the run. */
  readonly before = new Map<string, HostSnapshot>();
  #watches: readonly KernelLogWatch[] = [];

  constructor(context: JobContext) {
    this.#context = context;
  }

  /** Writes down the state of every host. */
  async snapshot(when: 'pre' | 'post'): Promise<void> {
    await Promise.all(
      this.#context.hostNames().map(async (host) => {
        const write = this.#context.writer.file.bind(this.#context.writer);
        const taken = await snapshotHost(this.#context.executor(host), { when, write });
        if (when === 'pre') this.before.set(host, taken);
      }),
    );
  }

  /**
   * Refuses hosts that have another GPU than the config is written for; warns where nobody can tell.
   *
   * @throws WorkloadFailure setup_failure with every such host.
   */
  refuseOtherGpus(): void {
    const target = this.#context.request.cell.workload.target_gpu;
    const mismatches = [...this.before].flatMap(([host, { gpu }]) => checkTargetGpu(target, host, gpu) ?? []);
    for (const [host, { gpu }] of this.before) {
      const line = noteOnTargetGpu(target, host, gpu);
      if (line !== null) this.#context.warn(UNVERIFIED_GPU, host, line);
    }
    if (mismatches.length > 0) throw new WorkloadFailure('setup_failure', mismatches.join('; '));
  }

  /** Starts to listen to the kernels, from the state before the run on. */
  watch(): void {
    this.#watches = [...this.before].map(([host, { kernel }]) =>
      watchKernelLog(this.#context.executor(host), {
        since: kernel,
        onLine: (line) => this.#context.judge(matchKernelLine(line), line, `dmesg.${host}`),
      }),
    );
  }

  /** Looks once more, and listens no longer. */
  async unwatch(): Promise<void> {
    const watches = this.#watches;
    this.#watches = [];
    await Promise.all(watches.map((watch) => watch.stop()));
  }
}

/** Sees to it that every host has the image; answers its digest, null for a run without a container. */
export async function ensureImages(context: JobContext): Promise<string | null> {
  const { signal } = context;
  const { container, nodes } = context.request.on;
  if (container === null) return null;
  const images = await Promise.all(nodes.map(({ name }) => ensureImage(context.executor(name), container, { signal })));
  const digests = [...new Set(images.map(({ digest }) => digest))];
  if (digests.length > 1) {
    const found = nodes.map(({ name }, index) => `${name} has ${images[index]?.digest}`).join(', ');
    throw new WorkloadFailure('setup_failure', `${container.image} is not the same image on all hosts: ${found}`);
  }
  return digests[0] ?? null;
}
