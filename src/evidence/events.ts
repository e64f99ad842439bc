import { closeSync, openSync, writeFileSync } from 'node:fs';

/** Every event a run can record, with its payload; events.jsonl adds `ts` and `event`. */
export interface EventPayloads {
  'prepare.start': Empty;
  'prepare.done': { readonly phase_duration_s: number };
  'launch.container_up': { readonly role: string; readonly host: string; readonly pid: number };
  'launch.role_ready': { readonly role: string; readonly host: string; readonly after_s: number };
  'seed.logged': { readonly seed: number };
  'arrival.start': { readonly requests: number };
  'arrival.end': { readonly completed: number; readonly failed: number };
  'accuracy.start': { readonly dataset: string };
  'accuracy.end': { readonly metric: string; readonly value: number | null };
  step: { readonly step: number; readonly loss: number | null };
  request: { readonly request_id: string; readonly ok: boolean; readonly ttft_ms: number | null };
  'safety.violated': { readonly predicate: string; readonly detail: string };
  'pattern.matched': { readonly pattern_id: string; readonly source: string; readonly line: string };
  'parse.done': { readonly samples_rows: number; readonly trajectory_rows: number };
  'verify.passed': { readonly verdicts: number };
  'verify.failed': { readonly metric: string; readonly actual: number | null; readonly expected: number };
  'teardown.start': Empty;
  'teardown.done': Empty;
  'attempt.interrupted': { readonly reason: string };
}

type Empty = Readonly<Record<never, never>>;

/** A name from the closed vocabulary of events. */
export type EventName = keyof EventPayloads;

const EVENT_NAMES: Readonly<Record<EventName, true>> = {
  'prepare.start': true,
  'prepare.done': true,
  'launch.container_up': true,
  'launch.role_ready': true,
  'seed.logged': true,
  'arrival.start': true,
  'arrival.end': true,
  'accuracy.start': true,
  'accuracy.end': true,
  step: true,
  request: true,
  'safety.violated': true,
  'pattern.matched': true,
  'parse.done': true,
  'verify.passed': true,
  'verify.failed': true,
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
 * Appends events to a file as they happen. After the first failed write every
 * other fails with the same error: nothing is written behind a part of a line.
 */
export class EventLog {
  #file: number | null;
  #pending = '';
  #failure: Error | null = null;

  constructor(path: string) {
    this.#file = openSync(path, 'a');
  }

  /** Records an event; once the log is closed it does nothing. Requests may come by the thousand: they reach the file with the next flush. */
  record<Name extends EventName>(event: Name, payload: EventPayloads[Name]): void {
    if (!Object.hasOwn(EVENT_NAMES, event)) throw new TypeError(`"${event}" is not in the event vocabulary`);
    if (this.#file === null) return;
    this.#pending += `${JSON.stringify({ ts: new Date().toISOString(), event, ...payload })}\n`;
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
