import type {
  ParseContext,
  ProgressStatus,
  ReadyRole,
  RunContext,
  RunRequest,
  WorkloadResult,
} from '../../lifecycle/adapter.ts';
import type { RolePlan } from '../../lifecycle/launch.ts';

/** A framework whose work is done by programs that end by themselves: what its folder must say of it. */
export interface Program {
  /**
   * Decides what is started, as plain data. `scratch` is a folder of this run on each of its hosts; containers see it at
   * the same place. May throw a setup_failure.
   */
  readonly plan: (request: RunRequest, scratch: string) => ProgramPlan;
  /** Begins to listen to what the programs print; `onStep` is told of every finished step of a training. */
  readonly watch: (request: RunRequest, onStep: (step: StepReport) => void) => ProgressWatch;
  /** Reads what the run left in its run directory. */
  readonly parse: (context: ParseContext) => Promise<WorkloadResult>;
}

/** What is started for one cell, in which order, and what it leaves. */
export interface ProgramPlan {
  /** Roles that serve while the work is done, and must live as long. */
  readonly servers: readonly RolePlan[];
  /** Roles whose programs do the work and end with code 0 when it is done. Without servers they are what is launched. */
  readonly workers: readonly RolePlan[];
  /** What the programs leave in files. */
  readonly results: readonly ResultFile[];
  /** Watches the servers while the work is done. Default: nobody does. */
  readonly observe?: Observer;
  /** Work that this process does itself once the servers are ready, beside the workers. Default: none. */
  readonly drive?: Driver;
}

/** Begins work on servers; aborting the signal ends it. */
export type Driver = (context: RunContext, servers: readonly ReadyRole[], signal: AbortSignal) => Drive;

/** Work of this process under way; how it is counts in place of what the workers' watch says. */
export interface Drive {
  status(): ReturnType<ProgressWatch['status']>;
  readonly done: Promise<void>;
}

/** Watches servers under load, from its call on until it is ended. */
export type Observer = (context: RunContext, servers: readonly ReadyRole[]) => Promise<Observation>;

/** Servers being watched. */
export interface Observation {
  /** What the servers do wrong now; null while nothing is. */
  broken(): (ProgressStatus & { readonly state: 'broken' }) | null;
  /** Looks once more and keeps what it saw, by `writer.attach`. */
  end(): Promise<void>;
}

/** A file that a program leaves on a host. */
export interface ResultFile {
  readonly host: string;
  /** Absolute path there; `*` in its last part stands for anything, and every match is fetched. */
  readonly path: string;
  /** Its name under `attachments/`; of several matches, the folder that they keep their names in. */
  readonly as: string;
}

/** A finished step of a training, for the event log; null where the line did not say it. */
export interface StepReport {
  readonly step: number;
  readonly loss: number | null;
  /** Tokens per second of the whole job. */
  readonly throughput: number | null;
}

/** Where a printed line comes from. */
export interface LineSource {
  readonly role: string;
  readonly host: string;
}

/** What is known of a workload by what its programs print. */
export interface ProgressWatch {
  /** Takes every line, as it comes, ANSI sequences and all. */
  line(line: string, from: LineSource): void;
  /** How the work is; that it is done is told by the end of its programs. */
  status(): Exclude<ProgressStatus, { readonly state: 'done' }>;
}
