import { plainLine } from '../shared/role-logs.ts';

/** What a server said of one request when it was over; null where the line does not say it. Durations in milliseconds. */
export interface ReqTimeStats {
  readonly side: 'prefill' | 'decode';
  /** When the line was printed, as it stands there: without a zone, and often in whole seconds. */
  readonly stamp: string;
  /** The request as this server calls it: prefill and decode servers call one request differently. */
  readonly rid: string;
  /** What one request has in common on both sides, 63 bits; more than a number holds. */
  readonly room: string | null;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** The moment that the server's work on it began, milliseconds since the Unix epoch; older versions have no such clock. */
  readonly entryMs: number | null;
  /** From then on until its first queue was behind it: met the other side, and had room for its KV cache. */
  readonly admissionMs: number | null;
  /** Decode: from then on until the KV cache was there, its computation on the other side included. */
  readonly waitForKvMs: number | null;
  readonly queueMs: number | null;
  /** The rest; of a prefill with the transfer of the KV cache. */
  readonly forwardMs: number | null;
  /** Prefill: what was transferred. */
  readonly transferMb: number | null;
  readonly transferGbPerSec: number | null;
}

// [2026-03-12 00:03:06 DP0 TP0] or [2026-03-12 00:03:06.123] INFO schedule_batch.py:1207:
const HEAD =
  /^\[(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:[.,]\d{3})?)(?: [A-Z]+\d+)*\] (?:[A-Z]+ [\w.]+:\d+: )?Req Time Stats\(rid=([^\s,()]+)(?:, bootstrap_room=(\d+))?, input len=(\d+), output len=(\d+), type=(prefill|decode)\): (.+)$/;

/**
 * Reads one line of `--enable-request-time-stats-logging`; null for every other line. Three generations of SGLang spell
 * the durations differently; whatever is cut short, negative or longer than a day counts as not said.
 */
export function readReqTimeStats(line: string): ReqTimeStats | null {
  const [, stamp, rid, room = null, input, output, side, rest = ''] = HEAD.exec(plainLine(line)) ?? [];
  if (
    stamp === undefined ||
    rid === undefined ||
    (side !== 'prefill' && side !== 'decode') ||
    rest.includes('Req Time Stats')
  )
    return null;
  const values = valuesIn(rest);
  return {
    side,
    stamp,
    rid,
    room,
    inputTokens: Number(input),
    outputTokens: Number(output),
    entryMs: epochMs(values.get('entry_time')),
    admissionMs: admissionOf(values, side),
    waitForKvMs: side === 'decode' ? duration(values.get('transfer_duration')) : null,
    queueMs: duration(values.get('queue_duration')),
    forwardMs: duration(values.get('forward_duration')),
    transferMb: side === 'prefill' ? amount(values.get('transfer_total'), 'MB') : null,
    transferGbPerSec: side === 'prefill' ? amount(values.get('transfer_speed'), 'GB/s') : null,
  };
}

type Values = ReadonlyMap<string, string>;

/** `name=value`, and `name(value)` as one generation writes it; a name that is there twice says nothing. */
function valuesIn(text: string): Values {
  const values = new Map<string, string>();
  const doubled = new Set<string>();
  for (const [, name = '', plain, inBrackets = ''] of text.matchAll(
    /([a-z_]+)(?:=([^,;\s]+(?: (?:GB\/s|MB)\b)?)|\(([^()]*)\))/g,
  )) {
    if (values.has(name)) doubled.add(name);
    values.set(name, plain ?? inBrackets);
  }
  for (const name of doubled) values.delete(name);
  return values;
}

/** Its parts where they are named, else the whole. */
function admissionOf(values: Values, side: 'prefill' | 'decode'): number | null {
  const whole = side === 'prefill' ? ['bootstrap_queue_duration'] : ['prealloc_queue_duration', 'prealloc_duration'];
  for (const name of whole) {
    if (values.has(name)) return duration(values.get(name));
  }
  const bootstrap = duration(values.get('bootstrap_duration'));
  // The oldest generation names no second part: the next duration follows at once.
  if (!values.has('alloc_wait_duration')) return side === 'prefill' && values.has('queue_duration') ? bootstrap : null;
  const alloc = duration(values.get('alloc_wait_duration'));
  return bootstrap === null || alloc === null ? null : bootstrap + alloc;
}

const DAY_MS = 86_400_000;

/** `12.34ms`. A moment that was never noted makes a duration as long as the machine is up. */
function duration(text: string | undefined): number | null {
  const [, digits] = /^(\d+\.\d\d)ms$/.exec(text ?? '') ?? [];
  return digits === undefined || Number(digits) > DAY_MS ? null : Number(digits);
}

/** `1.25GB/s`, `1.25 GB/s`; 0 where it was not measured, or rounds to that. */
function amount(text: string | undefined, unit: string): number | null {
  const [, digits, named] = /^(\d+\.\d\d) ?(GB\/s|MB)$/.exec(text ?? '') ?? [];
  return digits === undefined || named !== unit ? null : Number(digits);
}

const YEAR_2000_MS = Date.UTC(2000, 0);
const YEAR_2100_MS = Date.UTC(2100, 0);

function epochMs(text: string | undefined): number | null {
  if (text === undefined || !/^\d+\.\d{3}$/.test(text)) return null;
  const ms = Math.round(Number(text) * 1000);
  return ms >= YEAR_2000_MS && ms < YEAR_2100_MS ? ms : null;
}
