import { appendFileSync } from 'node:fs';
import { withValue } from './export-columns.ts';
import type { StagedType } from './export-columns.ts';
import type { Fact } from '../store/fact.ts';

const BUFFER_CHARACTERS = 2 ** 16;

/** Rows on their way into a fact file, as JSON lines in a file of their own: in memory there are few at any time. */
export class Staging {
  readonly path: string;
  /** The columns so far, with what their values have in common. */
  readonly columns = new Map<string, StagedType>();
  rows = 0;
  #lines = '';

  constructor(path: string) {
    this.path = path;
  }

  /** Adds the row that was made from the manifest with this stamp. */
  add(fact: Fact, stamp: string): void {
    this.columns.set('manifest_stamp', 'VARCHAR');
    for (const [name, value] of Object.entries(fact)) {
      this.columns.set(name, withValue(name, this.columns.get(name) ?? null, value));
    }
    this.rows += 1;
    this.#lines += `{"manifest_stamp":${JSON.stringify(stamp)},${JSON.stringify(fact).slice(1)}\n`;
    if (this.#lines.length > BUFFER_CHARACTERS) this.flush();
  }

  /** Writes what is still in memory. */
  flush(): void {
    appendFileSync(this.path, this.#lines);
    this.#lines = '';
  }
}
