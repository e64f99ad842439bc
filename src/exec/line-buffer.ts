const KEPT_LINES = 200;

// What never ends its line is passed on in pieces, of which each is searched only once.
const LONGEST_LINE = 1 << 16;

// A progress bar draws over its line; what is drawn over is heard, and not kept. Before a line end it belongs to that.
const DRAWN_OVER = /\r(?=[^\n])/;

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
    this.#extend(rest, first);
    for (const piece of others) {
      this.#add(taken(rest).replace(/\r$/, ''));
      this.#extend(rest, piece);
    }
    if (rest.length > LONGEST_LINE) this.#add(taken(rest));
  }

  /** Adds to a line that has not ended. */
  #extend(rest: Rest, piece: string): void {
    if (!piece.includes('\r') && !(rest.pieces.at(-1)?.endsWith('\r') ?? false)) {
      keep(rest, piece);
      return;
    }
    const drawn = (taken(rest) + piece).split(DRAWN_OVER);
    keep(rest, drawn.pop() ?? '');
    for (const line of drawn) if (line !== '') this.#tell(line);
  }

  /** The streams are over: what is left is a line too. */
  end(): void {
    for (const rest of Object.values(this.#rests)) if (rest.length > 0) this.#add(taken(rest).replace(/\r$/, ''));
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
    this.#tell(line);
  }

  #tell(line: string): void {
    for (const listener of this.#listeners) listener(line);
  }
}
