const KEPT_LINES = 200;

type Source = 'stdout' | 'stderr';

/** Splits the two output streams of a process into lines, keeps the last ones, and tells whoever listens. */
export class LineBuffer {
  readonly #kept: string[] = [];
  readonly #listeners = new Set<(line: string) => void>();
  // A chunk may end inside a line, and the other stream may speak next.
  readonly #rests = new Map<Source, string>();

  push(source: Source, chunk: string): void {
    const lines = ((this.#rests.get(source) ?? '') + chunk).split(/\r?\n/);
    this.#rests.set(source, lines.pop() ?? '');
    for (const line of lines) this.#add(line);
  }

  /** The streams are over: what is left is a line too. */
  end(): void {
    for (const rest of this.#rests.values()) if (rest !== '') this.#add(rest);
    this.#rests.clear();
  }

  tail(count: number): readonly string[] {
    return this.#kept.slice(-count);
  }

  /** Calls back for every line from now on, until the function that it answers is called. */
  onLine(listener: (line: string) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #add(line: string): void {
    this.#kept.push(line);
    if (this.#kept.length > KEPT_LINES) this.#kept.shift();
    for (const listener of this.#listeners) listener(line);
  }
}
