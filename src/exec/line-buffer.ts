const KEPT_LINES = 200;

// Progress bars are one endless line: it is passed on in pieces, of which each is searched only once.
const LONGEST_LINE = 1 << 16;

type Source = 'stdout' | 'stderr';

/** The beginning of a line. */
interface Rest {
  pieces: string[];
  length: number;
}

function keep(rest: Rest, piece: string): void {
  if (piece === '') return;
  rest.pieces.push(piece);
  rest.length += piece.length;
}

function taken(rest: Rest): string {
  const text = rest.pieces.join('');
  rest.pieces = [];
  rest.length = 0;
  return text;
}

/** Splits the two output streams of a process into lines, keeps the last ones, and tells whoever listens. */
export class LineBuffer {
  readonly #kept: string[] = [];
  readonly #listeners = new Set<(line: string) => void>();
  // A chunk may end inside a line, and the other stream may speak next.
  readonly #rests: Readonly<Record<Source, Rest>> = {
    stdout: { pieces: [], length: 0 },
    stderr: { pieces: [], length: 0 },
  };

  push(source: Source, chunk: string): void {
    const rest = this.#rests[source];
    const [first = '', ...others] = chunk.split('\n');
    keep(rest, first);
    for (const piece of others) {
      this.#add(taken(rest).replace(/\r$/, ''));
      keep(rest, piece);
    }
    if (rest.length > LONGEST_LINE) this.#add(taken(rest));
  }

  /** The streams are over: what is left is a line too. */
  end(): void {
    for (const rest of Object.values(this.#rests)) if (rest.length > 0) this.#add(taken(rest));
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
