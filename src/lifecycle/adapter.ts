import type { Cell } from '../config/cell.ts';
import type { FrameworkSpec, Scalar } from '../config/schema/framework.ts';
import type { Workload } from '../config/schema/schema.ts';
import type { EngineVersions, Identity, RoleHosts } from '../config/identity.ts';
import type { Threshold } from '../config/threshold.ts';
import type { Manifest } from '../evidence/manifest.ts';
import type { Verdict } from '../evidence/verdict.ts';
import type { RunWriter } from '../evidence/run-writer.ts';
import type { SampleColumn } from '../evidence/tables/samples.ts';
import type { Command, Executor, ProcessUsage, RunningProcess } from '../exec/executor.ts';
import type { HostsSpec } from '../exec/hosts.ts';
import type { RunTables } from '../verdicts/run-tables.ts';

/** Everything a job host is told: plain data, so that it can cross a process border. */
export interface RunRequest {
  readonly cell: Cell;
  /** Per role the names of its hosts. */
  readonly hosts: RoleHosts;
  /** How these hosts are reached. */
  readonly on: HostsSpec;
  readonly identity: Identity;
  /** What the workload hash of the identity is made of. */
  readonly workloadInputs: Readonly<Record<string, unknown>>;
  readonly runId: string;
  /** Absolute path of the run directory; it exists, with a first manifest. */
  readonly folder: string;
  /** Absolute path of the artifact directory. */
  readonly artifacts: string;
}

/** A process that a role runs on one host. */
export interface LaunchedRole {
  readonly role: string;
  readonly host: string;
  readonly command: Command;
  readonly process: RunningProcess;
  /** The run that started the process; null when it was this one. */
  readonly reusedFrom: string | null;
  /** What the process had used when this run began to use it. */
  readonly usageBefore: ProcessUsage;
}

/** A role that is ready for work. */
export interface ReadyRole extends LaunchedRole {
  /** Where it serves; null for a role that serves nothing. */
  readonly url: string | null;
}

/** How far the work of a phase is, for the progress line. */
export interface Progress {
  readonly done: number;
  readonly total: number;
  /** What is counted: `req`, `step`. */
  readonly unit: string;
  /** A rate worth showing, e.g. `412 tok/s`; empty when there is none yet. */
  readonly rate: string;
  /** How long nothing has moved: the liveness timeout counts from there. */
  readonly quietMs?: number;
}

/** The one value that all adapter methods share during a run. */
export interface RunContext {
  readonly request: RunRequest;
  readonly writer: RunWriter;
  /** Aborted when the run must end early, with the cause as its reason. */
  readonly signal: AbortSignal;
  /** How commands run on a host of the run; throws for any other. */
  executor(host: string): Executor;
  /**
   * Starts a role's process on a host, under the run's label, and keeps it for teardown. A server that
   * an earlier cell left running and that was started in the very same way is used again. Rejects with SETUP_FAILED
   * when it cannot be started, and with the signal's reason.
   */
  launchRole(role: string, host: string, command: Command): Promise<LaunchedRole>;
  /** Every role process of this run, in launch order. */
  readonly launched: readonly LaunchedRole[];
  /**
   * A folder on each host of the run for what its programs write, the same path on all of them; containers that name it
   * in `writes` see it there. It is removed in teardown. Rejects with SETUP_FAILED where it cannot be made.
   */
  scratch(): Promise<string>;
  /** Tells whoever watches how far the work is. */
  report(progress: Progress): void;
}

/**
 * What an adapter reads its results from: the run directory alone, so that a later version can read it again. Whatever
 * else the results depend on must have been kept there with `writer.attach` while the workload was at hand.
 */
export interface ParseContext {
  /** The run directory, absolute: `logs/`, `attachments/`. */
  readonly folder: string;
  /** What the run was, as its manifest says it. */
  readonly run: Pick<
    Manifest,
    'params' | 'knobs' | 'model_descriptor' | 'bindings' | 'hosts' | 'launches' | 'timestamp_start'
  >;
  /** Takes the rows that were not captured while the workload ran. */
  readonly writer: Pick<RunWriter, 'sample' | 'point'>;
}

/** What a progress predicate says about a workload in flight. */
export type ProgressStatus =
  /** `mark` grows with every sign of life; the liveness timeout counts from its last change. */
  | { readonly state: 'running'; readonly mark: number; readonly progress: Progress }
  | { readonly state: 'done' }
  | {
      readonly state: 'broken';
      readonly predicate: string;
      readonly detail: string;
      /** The last lines of the log that tells most. */
      readonly evidence: readonly string[];
    };

/** What an adapter read from its workload, besides the rows it appended. */
export interface WorkloadResult {
  /** Named figures in the unit of their suffix; null means not measured. */
  readonly scalars: Readonly<Record<string, number | null>>;
  /** What was asked of the framework, and what it said is in force. */
  readonly applied: Readonly<Record<string, { readonly asked: Scalar; readonly applied: Scalar | null }>>;
  readonly frameworkVersions: Readonly<Record<string, string>>;
  /** The measured window. */
  readonly startedAtMs: number | null;
  readonly durationMs: number | null;
}

/**
 * What one framework needs. One instance serves one run; the job driver calls the methods in this order. Whatever ends
 * the workload is thrown as a WorkloadFailure with its category; what is thrown else is classified by its phase.
 */
export interface Adapter {
  /** Decides what to launch. The hosts are reached, written down and checked, and have the image. */
  prepare(context: RunContext): Promise<void>;
  /** Starts the roles and waits until all of them are ready. */
  launch(context: RunContext): Promise<void>;
  /** How the work is at this moment; cheap, for it is asked several times a second. */
  progressPredicate(context: RunContext): ProgressStatus;
  /** Settles when the work is done; rejects as soon as it is broken or stuck. */
  awaitCompletion(context: RunContext): Promise<void>;
  /**
   * Reads what the workload left in its run directory; rows go to the context's writer. A fresh instance that has seen
   * none of the other phases must read the same.
   */
  parse(context: ParseContext): Promise<WorkloadResult>;
  /** One verdict per threshold, in their order. */
  verify(thresholds: readonly Threshold[], tables: RunTables): readonly Verdict[];
  /** Ends what `launched` holds; called whatever happened before, and it may hold nothing. */
  teardown(context: RunContext): Promise<void>;
}

/** A framework as the registry knows it. */
export interface Framework {
  readonly spec: FrameworkSpec;
  /** Bump it when the adapter changes what it launches: old runs are then no longer the same workload. */
  readonly launchVersion: number;
  /**
   * The packages of this installation, by version, that do the work, so that another version is another workload.
   * Default: none, the engine is in an image or on the hosts.
   */
  readonly engine?: (workload: Workload) => EngineVersions | null;
  /** What its samples have besides the columns of every framework. Default: nothing. */
  readonly sampleColumns?: readonly SampleColumn[];
  /** Makes the adapter of one run; null while the framework's cells can be planned but not launched. */
  readonly create: (() => Adapter) | null;
}
