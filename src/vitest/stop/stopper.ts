import type { EventEmitter } from 'node:events';
import { constants } from 'node:os';
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import type { Vitest } from 'vitest/node';
import type { StopSignal } from '../../core/parent-channel.ts';
import { SignalGate } from './interrupt.ts';
import { describeLive } from '../live/live-cells.ts';
import type { LiveCell, LiveCells } from '../live/live-cells.ts';
import { paint } from '../screen/paint.ts';

/** How often a terminal is told again what is being waited for. */
const TELL_AGAIN_MS = 5000;

/** A session whose runs must be torn down before its Vitest may leave. */
export interface Stoppable {
  readonly vitest: Pick<Vitest, 'cancelCurrentRun' | 'exit'>;
  readonly cells: LiveCells;
  /** Launches nothing any more, and waits until the live runs are torn down. */
  readonly stop: () => Promise<void>;
  /** Ends the job hosts at once, and waits until what they left is cleaned up. */
  readonly force: () => Promise<void>;
  readonly print: (line: string) => void;
}

/** What a stop needs of the process. */
export interface StopSurroundings {
  /** Where signals arrive. */
  readonly signals: EventEmitter;
  /** Where Vitest reads single keys, which in watch mode include Ctrl-C; null where it reads none. */
  readonly keys: () => EventEmitter | null;
  readonly isTerminal: () => boolean;
  /** Sees to it that the process ends with this code, whoever ends it. */
  readonly endWith: (code: number) => void;
  /** How long a forced stop may take to see everything gone. */
  readonly forcedMs: number;
  /** Ends the process at once. */
  readonly leave: (code: number) => void;
}

interface Key {
  readonly ctrl?: boolean;
  readonly name?: string;
}

/**
 * What Ctrl-C and SIGTERM do while cells run. The first asks for a clean stop: nothing more is launched, the live
 * runs are torn down, and Vitest ends as usual. The second ends the job hosts. With no cell under way Vitest's own
 * behaviour stands.
 */
export class Stopper {
  readonly #surroundings: StopSurroundings;
  readonly #gate: SignalGate;
  readonly #sessions = new Set<Stoppable>();
  /** Who of this process and its parent heard how many signals: a terminal sends each to both. */
  readonly #heard = { own: 0, parent: 0 };
  #presses = 0;
  #signal: StopSignal | null = null;
  #stopped: Promise<void> = Promise.resolve();
  #isForced = false;
  /** How many cells the last line named; null while none is due. */
  #told: number | null = null;

  constructor(surroundings: StopSurroundings) {
    this.#surroundings = surroundings;
    this.#gate = new SignalGate(surroundings.signals, (signal) => this.hear(signal, 'own'));
  }

  /** Whether the session was asked to stop. */
  get isStopping(): boolean {
    return this.#signal !== null;
  }

  /** Settles when what a stop waits for is gone; at once when nobody asked for one. */
  get stopped(): Promise<void> {
    return this.#stopped;
  }

  get #isBusy(): boolean {
    return [...this.#sessions].some(({ cells }) => cells.isBusy);
  }

  /** Whether any session is still to be closed. */
  get hasSessions(): boolean {
    return this.#sessions.size > 0;
  }

  add(session: Stoppable): void {
    this.#sessions.add(session);
  }

  /** Stops a session whose Vitest closes, and tells what that waits for. */
  async close(session: Stoppable): Promise<void> {
    const stopTelling = this.#startTelling();
    await session.stop();
    stopTelling();
    this.#sessions.delete(session);
    this.update();
  }

  /** To be called when a cell came or went: signals are taken only while there is something to tear down. */
  update(): void {
    if (this.#isBusy) {
      this.#gate.take();
      this.#keys?.off('keypress', this.#onKey).on('keypress', this.#onKey);
    } else if (!this.isStopping) {
      this.#gate.giveBack();
      this.#keys?.off('keypress', this.#onKey);
    }
    if (this.#told === null) return;
    const left = this.#live().length;
    if (left > 0 && left < this.#told) this.#tell();
  }

  /** Takes note of a signal that this process or its parent was sent; answers whether it is for us to act. */
  hear(signal: StopSignal, who: 'own' | 'parent'): boolean {
    return this.#hear(signal, who, () => void this.#leave());
  }

  /** The parent is gone, whatever it was told before. */
  orphaned(): boolean {
    return this.isStopping || this.hear('SIGTERM', 'parent');
  }

  #hear(signal: StopSignal, who: 'own' | 'parent', leave: () => void): boolean {
    if (!this.isStopping && !this.#isBusy) return false;
    this.#heard[who] += 1;
    const presses = Math.max(this.#heard.own, this.#heard.parent);
    if (presses === this.#presses) return true;
    this.#presses = presses;
    if (this.isStopping) {
      void this.#force();
      return true;
    }
    this.#stop(signal);
    leave();
    return true;
  }

  get #keys(): EventEmitter | null {
    return this.#surroundings.keys();
  }

  // Vitest acts on the key as well: it cancels, and leaves when its run is over.
  readonly #onKey = (text: string | undefined, key: Key | undefined): void => {
    const isInterrupt = text === '\u0003' || text === '\u001B' || (key?.ctrl === true && key.name === 'c');
    if (isInterrupt) this.#hear('SIGINT', 'own', () => undefined);
  };

  #stop(signal: StopSignal): void {
    this.#signal = signal;
    this.#surroundings.endWith(codeOf(signal));
    const stopTelling = this.#startTelling();
    const stops = Promise.allSettled([...this.#sessions].map((session) => session.stop()));
    // What a session tells of its ended runs comes right after.
    this.#stopped = stops.then(() => nextTurn()).then(stopTelling);
  }

  async #leave(): Promise<void> {
    const vitests = [...new Set([...this.#sessions].map(({ vitest }) => vitest))];
    const cancelled = vitests.map((vitest) => vitest.cancelCurrentRun('keyboard-input'));
    await Promise.allSettled([this.#stopped, ...cancelled]);
    await Promise.allSettled(vitests.map((vitest) => vitest.exit(true)));
  }

  async #force(): Promise<void> {
    const code = codeOf(this.#signal ?? 'SIGINT');
    if (this.#isForced) {
      this.#surroundings.leave(code);
      return;
    }
    this.#isForced = true;
    this.#told = null;
    const sessions = [...this.#sessions];
    const gone = Promise.allSettled(sessions.map(({ force }) => force())).then(() => nextTurn());
    await Promise.race([gone, delay(this.#surroundings.forcedMs)]);
    const left = this.#live().map(({ name }) => name);
    if (left.length > 0) {
      this.#print(`forced: ${left.join(', ')} not seen to end - \`assay reap\` finds what is left`);
    }
    this.#surroundings.leave(code);
  }

  /** Tells what is waited for, and again when a run ends; on a terminal also from time to time. */
  #startTelling(): () => void {
    if (this.#told !== null || !this.#isBusy) return () => undefined;
    this.#tell();
    const tellAgain = (): void => {
      // What has no name yet or any more was told once.
      if (this.#live().length > 0) this.#tell();
    };
    const timer = this.#surroundings.isTerminal() ? setInterval(tellAgain, TELL_AGAIN_MS).unref() : undefined;
    return () => {
      clearInterval(timer);
      this.#told = null;
    };
  }

  #tell(): void {
    const live = this.#live();
    this.#told = live.length;
    const names = live.length === 0 ? '' : `: ${describeLive(live)}`;
    const key = this.#signal === 'SIGTERM' ? 'SIGTERM' : 'Ctrl-C';
    const tail = this.isStopping ? paint('dim', ` - ${key} again to force`) : '';
    this.#print(`stopping${names}${tail}`);
  }

  #print(text: string): void {
    const [session] = this.#sessions;
    session?.print(` ${paint('yellow', '■')} ${text}`);
  }

  #live(): readonly LiveCell[] {
    return [...this.#sessions].flatMap(({ cells }) => cells.list());
  }
}

function codeOf(signal: StopSignal): number {
  return 128 + constants.signals[signal];
}
