/** The rows of the run that is being judged: millions of them fit into memory once, not once per run. */
export class TablesOfOneRun {
  #run = '';
  readonly #tables = new Map<string, Promise<unknown>>();

  /** Reads a file of a run, or answers what was read of it before, unless another run has been read meanwhile. */
  read<Table>(run: string, path: string, load: (path: string) => Promise<Table>): Promise<Table> {
    if (run !== this.#run) this.#tables.clear();
    this.#run = run;
    const table = (this.#tables.get(path) as Promise<Table> | undefined) ?? load(path);
    this.#tables.set(path, table);
    return table;
  }
}
