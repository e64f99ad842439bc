import { readFile, readdir } from 'node:fs/promises';
import { arch, cpus, hostname, release, totalmem, type, version } from 'node:os';
import { execa } from 'execa';
import { AssayError, messageOf } from '../core/errors.ts';
import { readUsage } from './local-usage.ts';
import { ProcessOutput } from './process-output.ts';
import type { Command, Executor, Exit, RunningProcess, StartOptions } from './executor.ts';

const RUN_LABEL = 'ASSAY_RUN_ID';

/** Runs commands on this machine. */
export function localExecutor(host: string): Executor {
  return {
    host,
    start: startLocal,
    findLabelled,
    kill: (pids) => pids.forEach((pid) => signalQuietly(pid, 'SIGKILL')),
    fingerprint: () => ({
      hostname: hostname(),
      os: `${type()} ${version()}`,
      kernel: release(),
      arch: arch(),
      cpu_model: cpus()[0]?.model.trim() ?? null,
      cpu_count: cpus().length,
      memory_bytes: totalmem(),
      node_version: process.version,
    }),
  };
}

async function startLocal(command: Command, { runId, logFile }: StartOptions): Promise<RunningProcess> {
  const child = execa(command.file, command.args, {
    // A group of its own: Ctrl-C in the terminal must reach the job, not its servers,
    // and stopping must reach whatever the server started.
    detached: true,
    cleanup: false,
    stdin: 'ignore',
    buffer: false,
    reject: false,
    env: { ...command.env, [RUN_LABEL]: runId },
  });
  const pid = child.pid;
  if (pid === undefined) {
    const { cause } = await child;
    throw new AssayError('SETUP_FAILED', `${command.file} could not be started: ${messageOf(cause)}`, {
      hint: 'install it, or correct the PATH',
      cause,
    });
  }
  const output = new ProcessOutput(child, logFile);
  let exit: Exit | null = null;
  const gone = new Promise<Exit>((resolve) => {
    child.once('exit', (code, signal) => {
      exit = { code, signal };
      resolve(exit);
    });
  });
  const exited = gone.then(async (end) => {
    await output.drain();
    return end;
  });
  return {
    pid,
    exited,
    exit: () => exit,
    tail: (count) => output.lines.tail(count),
    onLine: (listener) => output.lines.onLine(listener),
    logError: () => output.logError,
    usage: () => readUsage(pid),
    stop: async (graceMs) => {
      if (exit === null) signalQuietly(pid, 'SIGTERM');
      await endGroup(pid, gone, graceMs);
      return exited;
    },
  };
}

async function endGroup(pid: number, gone: Promise<Exit>, graceMs: number): Promise<void> {
  const timer = setTimeout(() => signalQuietly(-pid, 'SIGKILL'), graceMs);
  await gone;
  clearTimeout(timer);
  // The leader is gone; what it left in its group goes too.
  signalQuietly(-pid, 'SIGKILL');
}

function signalQuietly(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Already gone, which is what was wanted.
  }
}

// Linux tells the environment of every process we may see; a zombie's is empty,
// so a dead child that waits for its parent is not taken for an orphan.
async function findLabelled(runId: string): Promise<readonly number[] | null> {
  if (process.platform !== 'linux') return null;
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const marked = await Promise.all(pids.map(async (pid) => ((await isLabelled(pid, runId)) ? pid : null)));
  return marked.filter((pid): pid is number => pid !== null);
}

async function isLabelled(pid: number, runId: string): Promise<boolean> {
  const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
  return environment.split('\0').includes(`${RUN_LABEL}=${runId}`);
}
