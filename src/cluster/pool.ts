import type { NodeAddress, SlurmOptions } from '../config/node-address.ts';

/** One machine that cells can be bound to. A null fact is not stated: it fits every role, and is verified on the node before launch. */
export interface PoolNode {
  /** Unique in the pool; a host name or an IP address. */
  readonly name: string;
  readonly address: NodeAddress;
  readonly gpus: number | null;
  /** What selectors match, e.g. `mi300x`. */
  readonly labels: readonly string[] | null;
}

/** The nodes there are, in declaration order, and what starts processes on them; no roles. */
export interface Pool {
  readonly executor: 'local' | 'ssh' | 'slurm';
  /** Present exactly when the executor is slurm. */
  readonly slurm: SlurmOptions | null;
  /** The ssh client's configuration file, absolute; null for the user's own. */
  readonly sshConfig: string | null;
  readonly nodes: readonly PoolNode[];
}

/** The pool of a session without a cluster file: this machine, without a GPU. */
export const localPool: Pool = {
  executor: 'local',
  slurm: null,
  sshConfig: null,
  nodes: [
    {
      name: 'localhost',
      address: { host: 'localhost', port: null, user: null, sshKey: null },
      gpus: 0,
      labels: ['cpu'],
    },
  ],
};
