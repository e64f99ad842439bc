import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { listLive } from '../../src/evidence/store/live-runs.ts';
import { readManifest } from '../../src/evidence/run-reader.ts';
import type { Manifest } from '../../src/evidence/manifest.ts';
import { localExecutor } from '../../src/exec/local.ts';
import { reapDeadRuns } from '../../src/session/reap.ts';
import type { Project } from './project.ts';

/** A Vitest of a project while it runs. What it leaves is cleaned up when the test is over. */
export class LiveSession {
  readonly #vitest: ReturnType<Project['vitest']>;
  readonly #artifacts: string;
  #screen = '';
  #onOutput: () => void = () => undefined;

  constructor(project: Project, ...args: readonly string[]) {
    this.#vitest = project.vitest('run', ...args);
    this.#artifacts = join(project.root, 'runs');
    this.#vitest.all.on('data', (piece: Buffer) => {
      this.#screen += piece.toString();
      this.#onOutput();
    });
    onTestFinished(async () => {
      this.kill();
      await reapDeadRuns(this.#artifacts);
    });
  }

  /** All that was shown so far. */
  get screen(): string {
    return this.#screen;
  }

  /** Settles with the exit code. */
  get ended(): Promise<number | undefined> {
    return this.#vitest.then(({ exitCode }) => exitCode);
  }

  /** Waits until the screen shows a text; rejects when the session ends first. */
  async shows(text: string | RegExp): Promise<void> {
    const isShown = (): boolean => (typeof text === 'string' ? this.#screen.includes(text) : text.test(this.#screen));
    const shown = new Promise<void>((resolve) => {
      this.#onOutput = () => {
        if (isShown()) resolve();
      };
      this.#onOutput();
    });
    const tooLate = this.ended.then(() => {
      if (!isShown()) throw new Error(`ended without showing ${String(text)}:\n${this.#screen}`);
    });
    await Promise.race([shown, tooLate]);
  }

  /** The runs that are under way, each with the process that answers for it. */
  live(): readonly { readonly folder: string; readonly runId: string; readonly jobHost: number }[] {
    return listLive(this.#artifacts).map(({ folder, run_id: runId, holder }) => ({
      folder,
      runId,
      jobHost: holder.pid,
    }));
  }

  /** Signals Vitest alone. */
  signal(name: NodeJS.Signals): void {
    this.#vitest.kill(name);
  }

  /** Ends Vitest and its job hosts at once: nobody is left to clean up. */
  kill(): void {
    const jobHosts = this.live().map(({ jobHost }) => jobHost);
    this.signal('SIGKILL');
    for (const pid of jobHosts) signalProcess(pid, 'SIGKILL');
  }
}

/** Signals a process; false when there is none. */
export function signalProcess(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}

/** The processes of this machine that carry the label of a run. */
export async function labelled(runId: string): Promise<readonly number[]> {
  const found = (await localExecutor('localhost').findLabelled(runId)) ?? [];
  return found.flatMap((item) => (item.kind === 'process' ? [item.pid] : []));
}

/** Every run of a project with its directory, in the order in which they were started. */
export function runsOf(project: Project): readonly { readonly folder: string; readonly manifest: Manifest }[] {
  return project
    .runFolders()
    .map((folder) => ({ folder, manifest: readManifest(folder) }))
    .toSorted((a, b) => (a.manifest.run_id < b.manifest.run_id ? -1 : 1));
}
