import type { EventEmitter } from 'node:events';
import type { StopSignal } from '../../core/parent-channel.ts';

const STOP_SIGNALS: readonly StopSignal[] = ['SIGINT', 'SIGTERM'];

// The name of Vitest's listener in 4.1 and 5.0.
const VITEST_LISTENER = 'onExit';

interface Taken {
  readonly signal: StopSignal;
  readonly listener: () => void;
}

/**
 * SIGINT and SIGTERM, taken from Vitest for as long as something must be torn down first.
 *
 * Vitest leaves 1 ms after either of them, without a word to plugins, and has no option against it. What is
 * left is to take its listener away, which is found by its name alone; this is the only file that knows. A
 * Vitest without a listener of that name is no error: should it leave at once, the job hosts notice and tear
 * down by themselves.
 */
export class SignalGate {
  readonly #source: EventEmitter;
  readonly #listen: (signal: StopSignal) => void;
  #taken: readonly Taken[] | null = null;

  /** `source` is the process. */
  constructor(source: EventEmitter, listen: (signal: StopSignal) => void) {
    this.#source = source;
    this.#listen = listen;
  }

  /** From now on the signals come here, and here alone; answers how many listeners of Vitest's that took away. */
  take(): number {
    if (this.#taken !== null) return this.#taken.length;
    this.#taken = STOP_SIGNALS.flatMap((signal) => vitestListeners(this.#source, signal));
    for (const { signal, listener } of this.#taken) this.#source.off(signal, listener);
    for (const signal of STOP_SIGNALS) this.#source.on(signal, this.#listen);
    return this.#taken.length;
  }

  /** Leaves the signals to Vitest again. */
  giveBack(): void {
    if (this.#taken === null) return;
    for (const signal of STOP_SIGNALS) this.#source.off(signal, this.#listen);
    for (const { signal, listener } of this.#taken) this.#source.once(signal, listener);
    this.#taken = null;
  }
}

function vitestListeners(source: EventEmitter, signal: StopSignal): readonly Taken[] {
  const listeners = source.listeners(signal).filter(({ name }) => name === VITEST_LISTENER);
  return listeners.map((listener) => ({ signal, listener: listener as () => void }));
}
