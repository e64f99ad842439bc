/** How to reach one machine; null leaves it to the executor's own defaults. */
export interface NodeAddress {
  /** A host name or an IP address. */
  readonly host: string;
  readonly port: number | null;
  readonly user: string | null;
  /** Path of the private key, absolute or with `~/` in front. */
  readonly sshKey: string | null;
}

/** What a Slurm job asks for besides its nodes; null leaves it to the scheduler's defaults. */
export interface SlurmOptions {
  readonly partition: string | null;
  readonly account: string | null;
  /** Further arguments of `sbatch`, one each, e.g. `--exclusive`. */
  readonly options: readonly string[];
}

/** What starts processes on the nodes of a pool. */
export type Reach =
  | { readonly executor: 'local' }
  /** `config`: the client's configuration file, absolute; null for the user's own. */
  | { readonly executor: 'ssh'; readonly config: string | null }
  | { readonly executor: 'slurm'; readonly slurm: SlurmOptions };
