import { randomUUID } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readdirSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { AssayError, sentenceOf } from '../core/errors.ts';
import { identityIn, identityText, isOver, processIdentity } from '../core/process-start.ts';
import type { ProcessIdentity } from '../core/process-start.ts';

// Changing an ended run takes moments: whoever waits looks again soon.
const RETRY_MS = 5;

// Longer than any change of one run takes; reading large logs again is what takes longest.
const PATIENCE_MS = 120_000;

interface LockOptions {
  /** How long to wait for one and the same holder. */
  readonly patienceMs?: number;
}

/**
 * Does work on a run directory that nobody else changes meanwhile, neither in this process nor in another
 * one, also on another machine that shares the directory. Whoever came first is served first. The lock of a
 * process that died goes with it; where nobody here can know that, it is waited for.
 *
 * @throws AssayError EVIDENCE_LOCKED, naming the holder and its file, when one holder keeps it too long;
 * EVIDENCE_MISSING or EVIDENCE_UNWRITABLE where no lock can be taken.
 */
export async function withRunLock<T>(
  folder: string,
  work: () => T | Promise<T>,
  { patienceMs = PATIENCE_MS }: LockOptions = {},
): Promise<T> {
  const queue = new Queue(folder);
  try {
    queue.join();
    await queue.front(patienceMs);
    return await work();
  } finally {
    queue.leave();
  }
}

interface Ticket {
  /** Its file. */
  readonly name: string;
  /** 0 while it is being drawn. */
  readonly number: number;
  readonly token: string;
  readonly holder: ProcessIdentity;
}

const TICKET = /^(?<number>\d+)\.(?<token>[0-9a-f]{8})\.(?<holder>.+)$/;

/**
 * Lamport's bakery: everybody draws a number above all that are there, and waits until nobody is drawing and nobody
 * has a lower one. A ticket is an empty file whose name says whose it is: it is there as a whole or not at all,
 * nobody else ever has that name, so removing that of a dead process can harm nobody.
 */
class Queue {
  readonly #run: string;
  /** Beside the run, which holds evidence only. */
  readonly #folder: string;
  readonly #token = randomUUID().slice(0, 8);
  readonly #suffix = `${this.#token}.${identityText(processIdentity())}`;
  #number = 0;

  constructor(run: string) {
    this.#run = run;
    this.#folder = join(dirname(run), `.${basename(run)}.lock`);
  }

  join(): void {
    this.#add(0);
    const number = 1 + Math.max(0, ...this.#tickets().map((ticket) => ticket.number));
    this.#add(number);
    this.#number = number;
    this.#remove(0);
  }

  async front(patienceMs: number): Promise<void> {
    // Two looks: whoever was drawing during the first has a number by the second.
    await this.#until(patienceMs, ({ number }) => number === 0);
    await this.#until(patienceMs, (other) => this.#isBefore(other));
  }

  leave(): void {
    try {
      this.#remove(0);
      this.#remove(this.#number);
      rmdirSync(this.#folder);
    } catch {
      // Others wait in it, or it is gone with the run. A ticket that stays is this process's for as long as it lives.
    }
  }

  /** Waits until no ticket of another is like that. */
  async #until(patienceMs: number, isInTheWay: (other: Ticket) => boolean): Promise<void> {
    let last = '';
    let sinceMs = performance.now();
    for (;;) {
      const first = this.#tickets().find((other) => isInTheWay(other) && !this.#isLeft(other));
      if (first === undefined) return;
      if (first.name !== last) sinceMs = performance.now();
      last = first.name;
      if (performance.now() - sinceMs > patienceMs) throw this.#heldBy(first);
      await delay(RETRY_MS);
    }
  }

  /** Whether the process that drew a ticket is over; the ticket is removed then. */
  #isLeft({ name, holder }: Ticket): boolean {
    if (!isOver(holder)) return false;
    try {
      rmSync(join(this.#folder, name), { force: true });
    } catch {
      // Another user's, say: it is in nobody's way.
    }
    return true;
  }

  #isBefore({ number, token }: Ticket): boolean {
    return number > 0 && (number < this.#number || (number === this.#number && token < this.#token));
  }

  /** The tickets of others, the first in the row first. */
  #tickets(): readonly Ticket[] {
    return this.#names()
      .flatMap((name) => {
        const { number, token = '', holder: text = '' } = TICKET.exec(name)?.groups ?? {};
        const holder = identityIn(text);
        return holder === null || token === this.#token ? [] : [{ name, number: Number(number), token, holder }];
      })
      .sort((a, b) => a.number - b.number || (a.token < b.token ? -1 : 1));
  }

  #names(): readonly string[] {
    try {
      return readdirSync(this.#folder);
    } catch (thrown) {
      throw this.#untakeable(thrown);
    }
  }

  #add(number: number): void {
    const path = join(this.#folder, `${number}.${this.#suffix}`);
    for (;;) {
      try {
        mkdirSync(this.#folder);
      } catch (thrown) {
        if (codeOf(thrown) !== 'EEXIST') throw this.#untakeable(thrown);
      }
      try {
        closeSync(openSync(path, 'wx'));
        return;
      } catch (thrown) {
        // Whoever left last took the folder along.
        if (codeOf(thrown) !== 'ENOENT') throw this.#untakeable(thrown);
      }
    }
  }

  #remove(number: number): void {
    rmSync(join(this.#folder, `${number}.${this.#suffix}`), { force: true });
  }

  #untakeable(cause: unknown): AssayError {
    const isGone = codeOf(cause) === 'ENOENT' || codeOf(cause) === 'ENOTDIR';
    const code = isGone ? 'EVIDENCE_MISSING' : 'EVIDENCE_UNWRITABLE';
    return new AssayError(code, `the run in ${this.#run} cannot be changed: ${sentenceOf(cause)}`, {
      hint: isGone
        ? 'name a run directory that is there'
        : `make ${dirname(this.#run)} writable, or copy the artifact directory and change the copy`,
      cause,
    });
  }

  #heldBy({ name, holder: { hostname, pid } }: Ticket): AssayError {
    const path = join(this.#folder, name);
    const since = statSync(path, { throwIfNoEntry: false })?.mtime.toISOString() ?? 'a moment ago';
    return new AssayError(
      'EVIDENCE_LOCKED',
      `the run in ${this.#run} is being changed by process ${pid} on ${hostname} since ${since}`,
      { hint: `wait for it; if it is gone, delete ${path}` },
    );
  }
}

function codeOf(thrown: unknown): string | undefined {
  return (thrown as NodeJS.ErrnoException).code;
}
