import { copyFile, readFile, readdir } from 'node:fs/promises';
import { arch, availableParallelism, cpus, hostname, release, totalmem, type } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { AssayError, messageOf } from '../core/errors.ts';
import type { Carrier } from './carrier.ts';
import type { Command, Executor, Finished, HostFingerprint, Labelled, RunOptions } from './executor.ts';
import type { RunningProcess, StartOptions } from './executor.ts';
import { describeExit } from './exit.ts';
import type { Exit } from './exit.ts';
import { readUsage } from './local-usage.ts';
import { ProcessOutput } from './process-output.ts';
import { readFacts } from './host-facts.ts';
import { RUN_LABEL } from './run-label.ts';
import { revealAll } from './secret-env.ts';
import { resultOf } from './short-command.ts';

/** Where servers on this machine listen. */
const LOOPBACK = '127.0.0.1';

const RUN_TIMEOUT_MS = 60_000;

// After SIGKILL: what takes longer is stuck in the kernel.
const KILLED_MS = 10_000;

/** Runs commands on this machine; nodes of it that have loopback addresses of their own listen there. */
export function localExecutor(host: string, address = LOOPBACK): Executor {
  return {
    host,
    address: address.startsWith('127.') ? address : LOOPBACK,
    run: runLocal,
    start: startLocal,
    copyIn: (from, to) => copy('SETUP_FAILED', from, to),
    copyOut: (from, to) => copy('EVIDENCE_MISSING', from, to),
    findLabelled,
    end: async (found) => {
      for (const item of found) if (item.kind === 'process') signalQuietly(item.pid, 'SIGKILL');
    },
    fingerprint: () => fingerprint(host),
  };
}

/** This machine, for shell scripts. */
export function localCarrier(host: string): Carrier {
  return {
    host,
    address: LOOPBACK,
    carry: (script) => ({ file: '/bin/sh', args: ['-c', script] }),
    explain: (exit, stderr) => `the shell ${describeExit(exit)}: ${stderr.trim()}`,
  };
}

/** Runs a short command of this machine to its end; rejects only when aborted. */
export async function runLocal(
  command: Command,
  { input, timeoutMs = RUN_TIMEOUT_MS, signal }: RunOptions = {},
): Promise<Finished> {
  signal?.throwIfAborted();
  const child = execa(command.file, command.args, {
    env: { ...command.env },
    input: input ?? '',
    timeout: timeoutMs,
    reject: false,
    stripFinalNewline: false,
    ...(signal === undefined ? {} : { cancelSignal: signal }),
  });
  const ended = await resultOf(child, { timeoutMs, signal });
  signal?.throwIfAborted();
  const silent = `${command.file} gave no answer within ${timeoutMs / 1000} s`;
  if (ended === null)
    return { exit: { kind: 'lost', reason: `${silent}, and cannot be killed` }, stdout: '', stderr: '' };
  const { exitCode, signal: endedBy, stdout, stderr, timedOut, cause } = ended;
  return { exit: exitOf(), stdout, stderr };

  function exitOf(): Exit {
    if (timedOut) return { kind: 'lost', reason: silent };
    if (endedBy !== undefined) return { kind: 'signalled', signal: endedBy };
    if (exitCode !== undefined) return { kind: 'exited', code: exitCode };
    return { kind: 'lost', reason: `${command.file} could not be started: ${messageOf(cause)}` };
  }
}

async function startLocal(command: Command, options: StartOptions): Promise<RunningProcess> {
  const { runId, secrets } = options;
  const child = execa(command.file, command.args, {
    // A group of its own: Ctrl-C in the terminal must reach the job, not its servers,
    // and stopping must reach whatever the server started.
    detached: true,
    cleanup: false,
    stdin: 'ignore',
    buffer: false,
    reject: false,
    env: { ...command.env, ...revealAll(secrets), [RUN_LABEL]: runId },
  });
  const pid = child.pid;
  if (pid === undefined) {
    const { cause } = await child;
    throw new AssayError('SETUP_FAILED', `${command.file} could not be started: ${messageOf(cause)}`, {
      hint: 'install it, or correct the PATH',
      cause,
    });
  }
  const output = new ProcessOutput(child, options);
  let exit: Exit | null = null;
  const gone = new Promise<Exit>((resolve) => {
    child.once('exit', (code, signal) => {
      exit = signal === null ? { kind: 'exited', code: code ?? 0 } : { kind: 'signalled', signal };
      resolve(exit);
    });
  });
  const exited = gone.then(async (end) => {
    await output.drain();
    return end;
  });
  return {
    id: { kind: 'process', pid },
    exited,
    exit: () => exit,
    ...output.heard(),
    usage: async () => readUsage(pid),
    stop: async (graceMs) => {
      if (exit === null) signalQuietly(pid, 'SIGTERM');
      await endGroup({ pid, runId }, gone, graceMs);
      return exited;
    },
  };
}

interface Group {
  readonly pid: number;
  readonly runId: string;
}

async function endGroup({ pid, runId }: Group, gone: Promise<Exit>, graceMs: number): Promise<void> {
  const timer = setTimeout(() => signalQuietly(-pid, 'SIGKILL'), graceMs);
  const patience = new AbortController();
  const tooLate = delay(graceMs + KILLED_MS, null, { signal: patience.signal }).catch(() => null);
  const end = await Promise.race([gone, tooLate]);
  clearTimeout(timer);
  patience.abort();
  // A driver that hangs can keep a process from dying for ever.
  if (end === null) {
    throw new AssayError('TEARDOWN_FAILED', `process ${pid} does not end, not even on SIGKILL`, {
      hint: 'look at its state with ps; it may hang in a driver until the machine is restarted',
    });
  }
  await endMembers({ pid, runId });
}

// The leader is gone; what it left in its group goes too. Its number may be somebody else's by now.
async function endMembers({ pid, runId }: Group): Promise<void> {
  const found = await findLabelled(runId);
  if (found === null) signalQuietly(-pid, 'SIGKILL');
  for (const item of found ?? []) {
    if (item.kind === 'process' && item.session === pid) signalQuietly(item.pid, 'SIGKILL');
  }
}

function signalQuietly(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Already gone, which is what was wanted.
  }
}

async function copy(code: 'SETUP_FAILED' | 'EVIDENCE_MISSING', from: string, to: string): Promise<void> {
  if (from === to) return;
  await copyFile(from, to).catch((cause: unknown) => {
    throw new AssayError(code, `${from} could not be copied to ${to}: ${messageOf(cause)}`, {
      hint: 'check that both folders are there and can be written',
      cause,
    });
  });
}

// Linux tells the environment of every process we may see; a zombie's is empty,
// so a dead child that waits for its parent is not taken for an orphan.
function findLabelled(runId: string): Promise<readonly Labelled[] | null> {
  return findMarked(RUN_LABEL, runId);
}

/** The live processes of this machine with this variable in their environment; null where the system does not tell. */
export async function findMarked(variable: string, value: string): Promise<readonly Labelled[] | null> {
  if (process.platform !== 'linux') return null;
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(pids.map((pid) => marked(pid, `${variable}=${value}`)));
  return found.filter((item) => item !== null);
}

async function marked(pid: number, mark: string): Promise<Labelled | null> {
  const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
  if (!environment.split('\0').includes(mark)) return null;
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => null);
  // It ended between the two readings.
  if (stat === null) return null;
  // The program's name may hold blanks and brackets: count fields after its last ")".
  const session = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[3]);
  return { kind: 'process', pid, session };
}

// What its own shell does not tell (macOS has no /proc, Windows no shell), Node mostly knows.
async function fingerprint(host: string): Promise<HostFingerprint> {
  const told = await readFacts({ host, run: runLocal }).catch(() => ({}));
  const known = Object.entries(told).filter(([, fact]) => fact !== null);
  return {
    hostname: hostname(),
    os: type(),
    kernel: release(),
    arch: arch(),
    cpu_model: cpus()[0]?.model.trim() ?? null,
    cpu_count: availableParallelism(),
    memory_bytes: totalmem(),
    nics: null,
    rdma: null,
    container_runtime: null,
    node_version: process.version,
    ...Object.fromEntries(known),
  };
}
