import { closeSync, openSync, writeFileSync } from 'node:fs';
import { noSecrets } from '../core/scrubber.ts';
import type { Scrubber } from '../core/scrubber.ts';
import { scrubbedValues } from './scrubbed.ts';

/** Every event a run can record, with its payload; events.jsonl adds `ts` and `event`. */
export interface EventPayloads {
  'hosts.waiting': { readonly reason: string };
  'hosts.acquired': { readonly waited_s: number };
  'prepare.start': Empty;
  'prepare.done': PhaseEnd;
  'launch.start': Empty;
  'launch.container_up': {
    readonly role: string;
    readonly host: string;
    readonly pid: number;
    readonly container?: string;
    /** The run that started it, where a server is used again. */
    readonly reused_from?: string;
  };
  'launch.role_ready': { readonly role: string; readonly host: string; readonly after_s: number };
  'launch.done': PhaseEnd;
  'seed.logged': { readonly seed: number };
  'await.start': Empty;
  'arrival.start': { readonly requests: number };
  'arrival.end': { readonly completed: number; readonly failed: number };
  'accuracy.start': { readonly dataset: string };
  'accuracy.end': { readonly metric: string; readonly value: number | null };
  step: { readonly step: number; readonly loss: number | null };
  request: { readonly request_id: string; readonly ok: boolean; readonly ttft_ms: number | null };
  'safety.violated': { readonly predicate: string; readonly detail: string };
  'pattern.matched': { readonly pattern_id: string; readonly source: string; readonly line: string };
  'await.done': PhaseEnd;
  'parse.start': Empty;
  'parse.done': PhaseEnd & { readonly samples_rows: number; readonly trajectory_rows: number };
  'verify.start': Empty;
  'verify.passed': { readonly verdicts: number };
  'verify.failed': { readonly metric: string; readonly actual: number | null; readonly expected: number };
  'verify.done': PhaseEnd;
  'teardown.start': Empty;
  'teardown.done': PhaseEnd;
  'attempt.interrupted': { readonly reason: string };
}

type Empty = Readonly<Record<never, never>>;

interface PhaseEnd {
  readonly phase_duration_s: number;
  readonly status: 'ok' | 'failed';
}

/** A name from the closed vocabulary of events. */
export type EventName = keyof EventPayloads;

const EVENT_NAMES: Readonly<Record<EventName, true>> = {
  'hosts.waiting': true,
  'hosts.acquired': true,
  'prepare.start': true,
  'prepare.done': true,
  'launch.start': true,
  'launch.container_up': true,
  'launch.role_ready': true,
  'launch.done': true,
  'seed.logged': true,
  'await.start': true,
  'arrival.start': true,
  'arrival.end': true,
  'accuracy.start': true,
  'accuracy.end': true,
  step: true,
  request: true,
  'safety.violated': true,
  'pattern.matched': true,
  'await.done': true,
  'parse.start': true,
  'parse.done': true,
  'verify.start': true,
  'verify.passed': true,
  'verify.failed': true,
  'verify.done': true,
  'teardown.start': true,
  'teardown.done': true,
  'attempt.interrupted': true,
};

/** One line of events.jsonl. */
export interface RecordedEvent {
  readonly ts: string;
  readonly event: EventName;
  readonly [field: string]: unknown;
}

/**
 * Appends events to a file as they happen, without secrets. After the first failed write every
 * other fails with the same error: nothing is written behind a part of a line.
 */
export class EventLog {
  readonly #scrubber: Scrubber;
  #file: number | null;
  #pending = '';
  #failure: Error | null = null;

  constructor(path: string, scrubber: Scrubber = noSecrets) {
    this.#scrubber = scrubber;
    this.#file = openSync(path, 'a');
  }

  /** Records an event; once the log is closed it does nothing. Requests may come by the thousand: they reach the file with the next flush. */
  record<Name extends EventName>(event: Name, payload: EventPayloads[Name]): void {
    if (!Object.hasOwn(EVENT_NAMES, event)) throw new TypeError(`"${event}" is not in the event vocabulary`);
    if (this.#file === null) return;
    this.#pending += `${JSON.stringify({ ts: new Date().toISOString(), event, ...scrubbedValues(payload, this.#scrubber) })}\n`;
    if (event !== 'request' || this.#pending.length > 1 << 16) this.flush();
  }

  flush(): void {
    if (this.#file === null) return;
    const text = this.#pending;
    this.#pending = '';
    if (this.#failure !== null) throw this.#failure;
    try {
      if (text !== '') writeFileSync(this.#file, text);
    } catch (thrown) {
      this.#failure = thrown as Error;
      throw thrown;
    }
  }

  /** Flushes and lets go of the file, also when the flush fails. */
  close(): void {
    try {
      this.flush();
    } finally {
      if (this.#file !== null) closeSync(this.#file);
      // The number may soon be another file's.
      this.#file = null;
    }
  }
}

/** Reads recorded events; a last line cut short by a crash is left out. */
export function parseEvents(text: string): readonly RecordedEvent[] {
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  return whole
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as RecordedEvent);
}
