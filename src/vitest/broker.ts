import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sentenceOf } from '../core/errors.ts';
import { jsonLine, onJsonLine } from '../core/json-lines.ts';
import type { RequestOutcome } from '../session/run.ts';

const SOCKET_NAME = 'broker.sock';

// What bears the name of a socket accepts connections: until it does, it has another one. Otherwise a session
// that starts in the same moment would take it for one that nobody listens to any more, and remove it.
const UNOPENED_NAME = 'new.sock';
const FOLDER_PREFIX = 'assay-';

// The shortest limit of the systems we know; a longer path is cut without a word.
const MAX_SOCKET_PATH = 103;

/** A worker names the cells it needs; each gets an answer of its own. */
export interface BrokerRequest {
  readonly cells: readonly string[];
}

/** What a session has to say of a cell: what became of it, or that it was stopped before anything could. */
export type SessionOutcome = RequestOutcome | { readonly state: 'stopped'; readonly reason: string };

/** What became of one cell, or why nobody can say. */
export interface BrokerAnswer {
  readonly cell: string;
  readonly outcome: SessionOutcome | { readonly state: 'unknown'; readonly reason: string };
}

/**
 * The main process's side of the exactly-once promise: workers name the cells
 * they need over a socket that only this user can reach, whoever asks first
 * causes the launch, and everyone gets the same answer.
 */
export class Broker {
  readonly #folder: string;
  readonly #server: Server;
  readonly #request: (cell: string) => Promise<SessionOutcome>;
  readonly #sockets = new Set<Socket>();
  // Vitest may leave without a word to plugins; the socket goes all the same.
  readonly #onExit = (): void => this.close();

  /** Where workers connect. */
  readonly socket: string;

  private constructor(request: (cell: string) => Promise<SessionOutcome>) {
    this.#request = request;
    this.#folder = privateFolder();
    // Windows has no socket files, but named pipes.
    this.socket = process.platform === 'win32' ? `\\\\.\\pipe\\${this.#folder}` : join(this.#folder, SOCKET_NAME);
    this.#server = createServer((socket) => this.#serve(socket));
    process.once('exit', this.#onExit);
  }

  /** Starts to listen. Rejects when it cannot. */
  static async open(request: (cell: string) => Promise<SessionOutcome>): Promise<Broker> {
    await removeDeadSockets();
    const broker = new Broker(request);
    await broker.#listen();
    // Waiting for a worker must not keep Vitest alive.
    broker.#server.unref();
    return broker;
  }

  async #listen(): Promise<void> {
    const isFile = process.platform !== 'win32';
    const path = isFile ? join(this.#folder, UNOPENED_NAME) : this.socket;
    this.#server.listen(path);
    await once(this.#server, 'listening');
    if (isFile) renameSync(path, this.socket);
  }

  close(): void {
    process.off('exit', this.#onExit);
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    // A worker that crashed resets its connection; its cells run on for the others.
    socket.on('error', () => undefined);
    const answers = new Answers(socket);
    onJsonLine(socket, (message) => {
      for (const cell of (message as BrokerRequest).cells) void this.#answer(cell, answers);
    });
  }

  async #answer(cell: string, answers: Answers): Promise<void> {
    const outcome = await this.#request(cell).catch((thrown: unknown) => ({
      state: 'unknown' as const,
      reason: sentenceOf(thrown),
    }));
    answers.add({ cell, outcome });
  }
}

/** Answers on their way to one worker: those of one turn leave together, for a worker may wait for ten thousand. */
class Answers {
  readonly #socket: Socket;
  #lines = '';

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  add(answer: BrokerAnswer): void {
    if (this.#lines === '') setImmediate(() => this.#send());
    this.#lines += jsonLine(answer);
  }

  #send(): void {
    if (this.#socket.writable) this.#socket.write(this.#lines);
    this.#lines = '';
  }
}

/** A folder that only this user can enter. */
function privateFolder(): string {
  return mkdtempSync(join(baseFolder(), FOLDER_PREFIX));
}

function baseFolder(): string {
  const fits = join(tmpdir(), `${FOLDER_PREFIX}XXXXXX`, SOCKET_NAME).length <= MAX_SOCKET_PATH;
  return fits ? tmpdir() : '/tmp';
}

// A process that is killed leaves its socket, to which nobody listens any more.
async function removeDeadSockets(): Promise<void> {
  if (process.platform === 'win32') return;
  const names = readdirSync(baseFolder()).filter((name) => name.startsWith(FOLDER_PREFIX));
  const removals = names.map(async (name) => {
    const folder = join(baseFolder(), name);
    const path = join(folder, SOCKET_NAME);
    if (existsSync(path) && (await isDead(path))) rmSync(folder, { recursive: true, force: true });
  });
  await Promise.all(removals);
}

function isDead(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(false);
    });
    socket.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code === 'ECONNREFUSED'));
  });
}
