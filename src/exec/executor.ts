/** A program with its arguments; never a shell line. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** How a process ended: by itself with a code, or by a signal. */
export interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
}

/** A long-lived process on some host. */
export interface RunningProcess {
  readonly pid: number;
  /**
   * Settles when the process is gone and its output was read; never rejects.
   * What a descendant that outlives it prints later is lost.
   */
  readonly exited: Promise<Exit>;
  /** How it ended; null while it runs. */
  exit(): Exit | null;
  /** The last lines that it printed, both streams in order of arrival. */
  tail(lines: number): readonly string[];
  /** Calls back for every line from now on. */
  onLine(listener: (line: string) => void): void;
  /** The first error of writing its log file: lines are then missing there, though not in the tail. */
  logError(): Error | null;
  /** What the process has used so far; null where it was not measured. */
  usage(): ProcessUsage;
  /** SIGTERM, then SIGKILL to the whole process group after the grace time. */
  stop(graceMs: number): Promise<Exit>;
}

/** Resources of one process since its start. */
export interface ProcessUsage {
  readonly cpuSeconds: number | null;
  readonly peakRssBytes: number | null;
}

/** How to start a long-lived process. */
export interface StartOptions {
  /** Marks the process and all its children, so that what a dead session left can be found. */
  readonly runId: string;
  /** The file that receives both output streams. */
  readonly logFile: string;
}

/** What a host is, for the manifest; null where it could not be read. */
export interface HostFingerprint {
  readonly hostname: string;
  readonly os: string;
  readonly kernel: string;
  readonly arch: string;
  readonly cpu_model: string | null;
  readonly cpu_count: number;
  readonly memory_bytes: number;
  readonly node_version: string;
}

/** How commands run on one host. */
export interface Executor {
  readonly host: string;
  /** Starts a process in a group of its own. Rejects when the program cannot be started. */
  start(command: Command, options: StartOptions): Promise<RunningProcess>;
  /** The ids of live processes that carry a run's label; null where the host cannot tell. */
  findLabelled(runId: string): Promise<readonly number[] | null>;
  /** Ends these processes at once. */
  kill(pids: readonly number[]): void;
  fingerprint(): HostFingerprint;
}
