import type { Executor } from '../exec/executor.ts';
import type { RunRequest } from './adapter.ts';

/** What an instrument gets to know of the run that it watches; it can neither end nor change it. */
export interface InstrumentContext {
  readonly request: RunRequest;
  /** Absolute path of its own folder in the run directory; it exists once the instrument is to attach. */
  readonly folder: string;
  /** Writes a text into that folder, without the secrets of the run. */
  readonly write: (name: string, text: string) => void;
  /** How commands run on a host of the run; throws for any other. */
  readonly executor: (host: string) => Executor;
}

/** A process of a role that is ready for work. */
export interface Target {
  readonly role: string;
  readonly host: string;
  readonly pid: number;
}

/**
 * Something that attaches to a run and leaves extra sidecars and claims. One instance serves one run; the
 * job driver calls the methods in this order. Whatever it does, the workload goes on: a step that throws, or
 * takes longer than 30 s, is noted as a reason.
 */
export interface Instrument {
  /** Names its folder and its block in the manifest: letters, digits, `_` and `-`. */
  readonly id: string;
  /** The names of the claims that it brings. */
  readonly claims: readonly string[];
  /** What it misses on the hosts of the run, each in a sentence; none when it can attach. Never throws. */
  probe(context: InstrumentContext): Promise<readonly string[]>;
  /** Begins to watch, when all roles are launched. */
  attach(context: InstrumentContext, targets: readonly Target[]): Promise<void>;
  /** Ends what `attach` began, also when that failed half-way or the workload did; the roles still run, unless they failed. */
  detach(context: InstrumentContext): Promise<void>;
  /** Reads what it left: named figures for the manifest, in the unit of their suffix; null means not measured. */
  ingest(context: InstrumentContext): Promise<Readonly<Record<string, number | null>>>;
}
