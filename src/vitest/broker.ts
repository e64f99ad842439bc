import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { messageOf } from '../core/errors.ts';
import type { CellOutcome } from '../session/scheduler.ts';

/** A worker asks for cells; `id` comes back with the answer to each. */
export interface BrokerRequest {
  readonly cells: readonly string[];
}

/** What became of one cell, or why nobody can say. */
export interface BrokerAnswer {
  readonly cell: string;
  readonly outcome: CellOutcome | { readonly state: 'unknown'; readonly reason: string };
}

/**
 * The main process's side of the exactly-once promise: workers name the cells
 * they need over a socket that only this user can reach, whoever asks first
 * causes the launch, and everyone gets the same answer.
 */
export class Broker {
  readonly #folder = mkdtempSync(join(tmpdir(), 'assay-'));
  readonly #server: Server;
  readonly #request: (cell: string) => Promise<CellOutcome>;
  readonly #sockets = new Set<Socket>();

  /** Where workers connect. */
  readonly socket: string;

  constructor(request: (cell: string) => Promise<CellOutcome>) {
    this.#request = request;
    // Windows has no socket files, but named pipes.
    this.socket = process.platform === 'win32' ? `\\\\.\\pipe\\${this.#folder}` : join(this.#folder, 'broker.sock');
    this.#server = createServer((socket) => this.#serve(socket));
    this.#server.listen(this.socket);
    // Waiting for a worker must not keep Vitest alive.
    this.#server.unref();
    // Vitest leaves on the first Ctrl-C without a word to plugins; the socket goes all the same.
    process.once('exit', () => this.close());
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    // A worker that crashed resets its connection; its cells run on for the others.
    socket.on('error', () => undefined);
    createInterface({ input: socket }).on('line', (line) => {
      const { cells } = JSON.parse(line) as BrokerRequest;
      for (const cell of cells) void this.#answer(cell, socket);
    });
  }

  async #answer(cell: string, socket: Socket): Promise<void> {
    const outcome = await this.#request(cell).catch((thrown: unknown) => ({
      state: 'unknown' as const,
      reason: messageOf(thrown),
    }));
    if (socket.writable) socket.write(`${JSON.stringify({ cell, outcome } satisfies BrokerAnswer)}\n`);
  }
}
