import { closeSync, fstatSync, ftruncateSync, openSync, writeFileSync } from 'node:fs';
import { AssayError } from '../core/errors.ts';
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
  /** What each role had printed until then, as it stands in its log. */
  'teardown.start': { readonly log_bytes: Readonly<Record<string, number>> };
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
    if (text === '') return;
    const { size } = fstatSync(this.#file);
    try {
      writeFileSync(this.#file, text);
    } catch (thrown) {
      this.#failure = thrown as Error;
      dropFrom(this.#file, size);
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

/** What a full disk took of some events ends in the middle of a line. */
function dropFrom(file: number, size: number): void {
  try {
    ftruncateSync(file, size);
  } catch {
    // No ordinary file: nobody reads it again.
  }
}

/**
 * Reads recorded events from the text of a file, which ends with a whole line.
 *
 * @throws AssayError EVIDENCE_DAMAGED, naming the line.
 */
export function parseEvents(text: string, path: string): readonly RecordedEvent[] {
  const lines = text.split('\n');
  if (lines.pop() !== '') throw damaged(path, lines.length + 1, 'is cut short');
  return lines.map((line, index) => {
    const event = parseJson(line);
    if (isEvent(event)) return event;
    throw damaged(path, index + 1, 'is no event');
  });
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

// Whatever its name: a newer version may know more of them.
function isEvent(value: unknown): value is RecordedEvent {
  if (typeof value !== 'object' || value === null) return false;
  const { ts, event } = value as Partial<RecordedEvent>;
  return typeof ts === 'string' && typeof event === 'string';
}

function damaged(path: string, line: number, what: string): AssayError {
  return new AssayError('EVIDENCE_DAMAGED', `${path}:${line} ${what}`, {
    hint: 'restore the file; the rows and verdicts of the run do not depend on it',
  });
}
