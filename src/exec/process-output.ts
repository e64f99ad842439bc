import { createWriteStream } from 'node:fs';
import type { WriteStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { LineBuffer } from './line-buffer.ts';

// A pipe holds so little that what the process itself printed is read long before.
const DRAIN_MS = 500;

interface Printing {
  readonly stdout: Readable;
  readonly stderr: Readable;
  once(event: 'close', listener: () => void): unknown;
}

/** What a process prints: every chunk goes to its log file and, as lines, to whoever listens. */
export class ProcessOutput {
  readonly lines = new LineBuffer();
  readonly #streams: readonly Readable[];
  readonly #closed: Promise<void>;
  readonly #log: WriteStream;
  #logError: Error | null = null;

  constructor(child: Printing, logFile: string) {
    this.#streams = [child.stdout, child.stderr];
    this.#closed = new Promise((resolve) => child.once('close', resolve));
    this.#log = createWriteStream(logFile, { flags: 'a' });
    this.#log.on('error', (error) => (this.#logError ??= error));
    for (const source of ['stdout', 'stderr'] as const) {
      child[source].setEncoding('utf8').on('data', (chunk: string) => this.#take(source, chunk));
    }
  }

  /** The first error of writing the log file. */
  get logError(): Error | null {
    return this.#logError;
  }

  /**
   * Call it when the process is gone: reads the rest and closes the log. A descendant
   * may hold the pipes open for as long as it lives, so the wait for their end is bounded.
   */
  async drain(): Promise<void> {
    // A busy event loop comes to the timer before it has read what was there: one more turn reads it.
    const timer = setTimeout(() => setImmediate(() => this.#streams.forEach((stream) => stream.destroy())), DRAIN_MS);
    await this.#closed;
    clearTimeout(timer);
    this.lines.end();
    this.#log.end();
    // What went wrong is in logError.
    await finished(this.#log).catch(() => undefined);
  }

  #take(source: 'stdout' | 'stderr', chunk: string): void {
    // A full disk must not keep anyone from hearing the process.
    if (this.#logError === null) this.#log.write(chunk);
    this.lines.push(source, chunk);
  }
}
