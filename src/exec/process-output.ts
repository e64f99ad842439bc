import { createWriteStream } from 'node:fs';
import type { WriteStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { ScrubbedStream, Scrubber } from '../core/scrubber.ts';
import type { RunningProcess } from './executor.ts';
import { LineBuffer } from './line-buffer.ts';

// A pipe holds so little that what the process itself printed is read long before.
const DRAIN_MS = 500;

type Source = 'stdout' | 'stderr';

interface Printing {
  readonly stdout: Readable;
  readonly stderr: Readable;
  once(event: 'close', listener: () => void): unknown;
}

/** Where the output of a process goes, and what must not get there. */
interface OutputOptions {
  readonly logFile: string;
  readonly scrubber: Scrubber;
}

/** What a process prints, without secrets: every piece goes to its log file and, as lines, to whoever listens. */
export class ProcessOutput {
  readonly lines = new LineBuffer();
  readonly #child: Printing;
  readonly #closed: Promise<void>;
  readonly #scrubbed: Readonly<Record<Source, ScrubbedStream>>;
  #log: LogFile;

  constructor(child: Printing, { logFile, scrubber }: OutputOptions) {
    this.#child = child;
    this.#closed = new Promise((resolve) => child.once('close', resolve));
    this.#log = new LogFile(logFile);
    this.#scrubbed = { stdout: scrubber.stream(), stderr: scrubber.stream() };
    for (const source of ['stdout', 'stderr'] as const) {
      child[source].setEncoding('utf8').on('data', (piece: string) => {
        this.push(source, this.#scrubbed[source].push(piece));
      });
    }
  }

  /** The part of a process that is about its output. */
  heard(): Pick<RunningProcess, 'tail' | 'onLine' | 'redirect' | 'logError'> {
    return {
      tail: (count) => this.lines.tail(count),
      onLine: (listener) => this.lines.onLine(listener),
      redirect: (logFile) => this.#redirect(logFile),
      logError: () => this.#log.error,
    };
  }

  /** Adds text as if the process had printed it. */
  push(source: Source, text: string): void {
    if (text === '') return;
    this.#log.write(text);
    this.lines.push(source, text);
  }

  async #redirect(logFile: string | null): Promise<void> {
    const earlier = this.#log;
    if (logFile !== null) this.#log = new LogFile(logFile);
    await earlier.close();
  }

  /**
   * Call it when the process is gone: reads the rest and closes the log. A descendant
   * may hold the pipes open for as long as it lives, so the wait for their end is bounded.
   */
  async drain(): Promise<void> {
    const { stdout, stderr } = this.#child;
    // A busy event loop comes to the timer before it has read what was there: one more turn reads it.
    const timer = setTimeout(
      () => setImmediate(() => [stdout, stderr].forEach((stream) => stream.destroy())),
      DRAIN_MS,
    );
    await this.#closed;
    clearTimeout(timer);
    for (const source of ['stdout', 'stderr'] as const) this.push(source, this.#scrubbed[source].end());
    this.lines.end();
    await this.#log.close();
  }
}

class LogFile {
  readonly #stream: WriteStream;
  #isOpen = true;
  error: Error | null = null;

  constructor(path: string) {
    this.#stream = createWriteStream(path, { flags: 'a' });
    this.#stream.on('error', (error) => (this.error ??= error));
  }

  // A full disk must not keep anyone from hearing the process.
  write(text: string): void {
    if (this.#isOpen && this.error === null) this.#stream.write(text);
  }

  /** Never rejects: what went wrong is in `error`. What is written later is dropped. */
  async close(): Promise<void> {
    this.#isOpen = false;
    this.#stream.end();
    await finished(this.#stream).catch(() => undefined);
  }
}
