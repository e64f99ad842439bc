import type { NodeAddress, Reach } from '../config/node-address.ts';
import type { ContainerSpec } from '../config/schema/container.ts';
import type { Executor } from './executor.ts';

/** One host of a run. */
export interface HostNode {
  /** Its name in the pool. */
  readonly name: string;
  readonly address: NodeAddress;
  /** GPUs that the run asks for on it. */
  readonly gpus: number;
}

/** The hosts that a run is bound to, and how they are reached: plain data. */
export interface HostsSpec {
  readonly reach: Reach;
  readonly nodes: readonly HostNode[];
  /** What the run's roles run in; null for the hosts themselves. */
  readonly container: ContainerSpec | null;
  /** Whether the run has its hosts to itself. */
  readonly isExclusive: boolean;
  /** The longest time that the run may hold its hosts, for Slurm to know; nothing else ends it by this. */
  readonly timeLimitMs: number;
  /** The session that the run belongs to: Slurm tasks that it asked for and no run took yet carry its id. */
  readonly session: string;
  /** The task of such an array that this run takes; null when it asks for an allocation of its own. */
  readonly task: string | null;
}

/** What somebody who waits for hosts wants to hear, and how the wait is ended. */
export interface Waiting {
  readonly signal: AbortSignal;
  /** Called with the reason whenever it changes. */
  readonly onWait: (reason: string) => void;
}

/** The hosts of a run. */
export interface Hosts {
  /**
   * Waits until the hosts are ours and reaches them; does nothing when they are. Rejects with
   * SETUP_FAILED when that is not to be had, and with the signal's reason.
   */
  open(waiting: Waiting): Promise<void>;
  /** Whether the hosts are ours and reached. */
  isOpen(): boolean;
  /** Throws for a host that is not one of them, and before they are open. */
  executor(host: string): Executor;
  /** All of them that are open. */
  executors(): readonly Executor[];
  /** The Slurm job, or task of an array (`12_3`), that holds them; null when none does. */
  allocation(): string | null;
  /** Lets go of them. Rejects when an allocation could not be given back. */
  close(): Promise<void>;
}
