/** How to reach one machine; null leaves it to the executor's own defaults. */
export interface NodeAddress {
  /** A host name or an IP address. */
  readonly host: string;
  readonly port: number | null;
  readonly user: string | null;
  /** Path of the private key, as the cluster file has it. */
  readonly sshKey: string | null;
}

/** One machine that cells can be bound to. A null fact is not stated: it fits every role, and is verified on the node before launch. */
export interface PoolNode {
  /** Unique in the pool; a host name or an IP address. */
  readonly name: string;
  readonly address: NodeAddress;
  readonly gpus: number | null;
  /** What selectors match, e.g. `mi300x`. */
  readonly labels: readonly string[] | null;
}

/** What a Slurm job asks for besides its nodes; null leaves it to the scheduler's defaults. */
export interface SlurmOptions {
  readonly partition: string | null;
  readonly account: string | null;
  /** Further arguments of `sbatch`, one each, e.g. `--exclusive`. */
  readonly options: readonly string[];
}

/** The nodes there are, in declaration order, and what starts processes on them; no roles. */
export interface Pool {
  readonly executor: 'local' | 'ssh' | 'slurm';
  /** Present exactly when the executor is slurm. */
  readonly slurm: SlurmOptions | null;
  readonly nodes: readonly PoolNode[];
}

/** The pool of a session without a cluster file: this machine, without a GPU. */
export const localPool: Pool = {
  executor: 'local',
  slurm: null,
  nodes: [
    {
      name: 'localhost',
      address: { host: 'localhost', port: null, user: null, sshKey: null },
      gpus: 0,
      labels: ['cpu'],
    },
  ],
};
