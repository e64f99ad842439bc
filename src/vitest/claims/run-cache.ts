import { Run } from './run.ts';
import { TablesOfOneRun } from './tables-of-one-run.ts';

/** A manifest takes some ten kilobytes; claims come cell by cell, from one suite file after another. */
const RUNS_KEPT = 64;

/** The runs that a worker has judged of late: the claims of a cell read its manifest once, and its rows once. */
export class RunCache {
  readonly #runs = new Map<string, Run>();
  readonly #tables = new TablesOfOneRun();
  #last: { readonly run: Run; readonly verificationHash: string } | null = null;

  /** A run as it is judged by one set of thresholds. */
  open(folder: string, verificationHash: string): Run {
    if (this.#last?.run.folder === folder && this.#last.verificationHash === verificationHash) return this.#last.run;
    const key = `${verificationHash} ${folder}`;
    const run = this.#runs.get(key) ?? new Run(folder, verificationHash, this.#tables);
    // The last key of a map is the one that was set last.
    this.#runs.delete(key);
    this.#runs.set(key, run);
    if (this.#runs.size > RUNS_KEPT) this.#runs.delete(this.#runs.keys().next().value ?? '');
    this.#last = { run, verificationHash };
    return run;
  }
}
