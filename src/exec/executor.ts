import type { Scrubber } from '../core/scrubber.ts';
import type { SecretValue } from '../core/secret.ts';
import type { Exit } from './exit.ts';

/** A program with its arguments; never a shell line. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Files and folders of the host that the program reads: a container sees them at the same place. */
  readonly reads?: readonly string[];
  /** Folders of the host that the program writes into: a container sees them at the same place. */
  readonly writes?: readonly string[];
  /** The URL that the program is to answer at, where that is settled before it runs: nobody else may answer there. */
  readonly serves?: string;
}

/** How to run a short command. */
export interface RunOptions {
  /** What it reads from its stdin; nothing by default. */
  readonly input?: string;
  /** It is ended, and counts as lost, after this time; a minute by default. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** A short command that is over. A code is what the command itself ended with, however it was reached. */
export interface Finished {
  readonly exit: Exit;
  readonly stdout: string;
  readonly stderr: string;
}

/** How to start a long-lived process. */
export interface StartOptions {
  /** Marks the process and all its children, so that what a dead session left can be found. */
  readonly runId: string;
  /** What the process is for; names its container. */
  readonly role: string;
  /** The file of this machine that receives both output streams. */
  readonly logFile: string;
  /** What must not reach the log file, nor whoever listens. */
  readonly scrubber: Scrubber;
  /** Secrets that the process gets in its environment, by variable. */
  readonly secrets: Readonly<Record<string, SecretValue>>;
}

/** What a process is on its host. */
export type ProcessId =
  | { readonly kind: 'process'; readonly pid: number }
  /** `pid`: its first process as the host sees it; `image`: the digest of what it was made from. */
  | { readonly kind: 'container'; readonly id: string; readonly pid: number; readonly image: string };

/** A long-lived process on some host. */
export interface RunningProcess {
  readonly id: ProcessId;
  /**
   * Settles when the process is gone and its output was read; never rejects.
   * What a descendant that outlives it prints later is lost.
   */
  readonly exited: Promise<Exit>;
  /** How it ended; null while it runs. */
  exit(): Exit | null;
  /** The last lines that it printed, both streams in order of arrival; of the latest 200 only. */
  tail(lines: number): readonly string[];
  /** Calls back for every line from now on, until the function that it answers is called. */
  onLine(listener: (line: string) => void): () => void;
  /** From now on its output goes to this file, whose `logError` starts anew; with null to none, until it is redirected again. */
  redirect(logFile: string | null): Promise<void>;
  /** The first error of writing its log file: lines are then missing there, though not in the tail. */
  logError(): Error | null;
  /** What the process has used so far; null where it was not measured. */
  usage(): Promise<ProcessUsage>;
  /** SIGTERM, then SIGKILL to the whole process group after the grace time. Rejects when it may still run. */
  stop(graceMs: number): Promise<Exit>;
}

/** Resources of one process since its start, without those of its children; of a container, of its first process. */
export interface ProcessUsage {
  readonly cpuSeconds: number | null;
  readonly peakRssBytes: number | null;
}

/** Something on a host that carries a run's label. */
export type Labelled =
  /** `session`: the session it belongs to; a process that leads one started all the others of it. */
  | { readonly kind: 'process'; readonly pid: number; readonly session: number }
  | { readonly kind: 'container'; readonly id: string }
  | { readonly kind: 'allocation'; readonly id: string };

/** What a host is, for the manifest: the same facts however it is reached; null where one could not be read. */
export interface HostFingerprint {
  /** As the host calls itself. */
  readonly hostname: string | null;
  readonly os: string | null;
  readonly kernel: string | null;
  /** As Node calls it: `x64`, `arm64`. */
  readonly arch: string | null;
  readonly cpu_model: string | null;
  /** The CPUs that a process may use there. */
  readonly cpu_count: number | null;
  readonly memory_bytes: number | null;
  /** Its network interfaces, `eth0 25000 Mb/s, ib0 400000 Mb/s rdma down`; `none` where it has none. */
  readonly nics: string | null;
  /** The ports of its RDMA devices, `mlx5_0:1 InfiniBand 400 Gb/sec (4X NDR)`; `none` where it has none. */
  readonly rdma: string | null;
  /** What runs the containers of a run in containers, `docker 28.0.1`. */
  readonly container_runtime: string | null;
  /** The Node of this process, where it is the host's own. */
  readonly node_version: string | null;
}

/** How commands run on one host. */
export interface Executor {
  /** The host's name in its pool. */
  readonly host: string;
  /** Where servers on this host listen, and where they are reached from here. */
  readonly address: string;
  /** Runs a short command to its end; rejects only when aborted. */
  run(command: Command, options?: RunOptions): Promise<Finished>;
  /** Starts a process in a session of its own. Rejects with SETUP_FAILED when it cannot be started. */
  start(command: Command, options: StartOptions): Promise<RunningProcess>;
  /** Copies a file of this machine to the host. Rejects with SETUP_FAILED. */
  copyIn(from: string, to: string): Promise<void>;
  /** Copies a file of the host to this machine. Rejects with EVIDENCE_MISSING. */
  copyOut(from: string, to: string): Promise<void>;
  /**
   * What is alive on the host and carries a run's label; null where the host cannot tell. Rejects with
   * SETUP_FAILED when it cannot be asked.
   */
  findLabelled(runId: string): Promise<readonly Labelled[] | null>;
  /** Ends these at once, without a grace time. Rejects when one of them may still be there. */
  end(found: readonly Labelled[]): Promise<void>;
  /**
   * Empties a folder of the host as root of a container: what programs in containers wrote may be another user's.
   * Rejects when the engine refuses; what stays all the same is for the caller to see. Absent without containers.
   */
  readonly emptyFolder?: (folder: string, runId: string) => Promise<void>;
  /** What the host is. Rejects with SETUP_FAILED when it does not say. */
  fingerprint(): Promise<HostFingerprint>;
}
