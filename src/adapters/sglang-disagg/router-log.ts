import { plainLine } from '../shared/role-logs.ts';

/** One line of a router's log, in either of its formats. */
export interface RouterLine {
  /** As it is printed, without a zone. */
  readonly stamp: string;
  readonly level: string;
  /** The module that printed it; null in the older format. */
  readonly target: string | null;
  readonly message: string;
}

const STAMP = String.raw`(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)`;
const LEVEL = '(TRACE|DEBUG|INFO|WARN|WARNING|ERROR|CRITICAL)';
// [Router (Rust)] 2025-03-08 02:33:09 - INFO - message
const OLDER = new RegExp(String.raw`^\[Router \((?:Rust|Python)\)\] ${STAMP} - ${LEVEL} - (.+)$`);
// 2025-10-07 23:31:33 ERROR sglang_router_rs::core::worker: src/core/worker.rs:517: message; the level is padded.
const TRACING = new RegExp(String.raw`^${STAMP} {1,2}${LEVEL} ([\w:]+): (?:[\w./-]+:\d+: )?(.+)$`);

/** Reads one line of a router's log; null for what something else printed. */
export function readRouterLine(line: string): RouterLine | null {
  const plain = plainLine(line).trimEnd();
  const older = OLDER.exec(plain);
  if (older !== null) {
    const [, stamp = '', level = '', message = ''] = older;
    return { stamp, level, target: null, message };
  }
  const [, stamp, level = '', target = '', message = ''] = TRACING.exec(plain) ?? [];
  return stamp === undefined ? null : { stamp, level, target, message };
}

/** What a router said of itself. */
export interface RouterFacts {
  /** By our words, such as `round_robin`; null where the log does not say. */
  readonly prefillPolicy: string | null;
  readonly decodePolicy: string | null;
  /** Errors that it logged; a health check that is pending while a server starts is none. */
  readonly errors: number;
}

/** Reads a router's log. */
export function readRouterLog(lines: readonly string[]): RouterFacts {
  const messages = lines.map(readRouterLine).filter((line) => line !== null);
  const texts = messages.map(({ message }) => message);
  const policy = firstIn(texts, /(?:\||^\W*)\s*policy: (\w+)/i);
  return {
    prefillPolicy: wordOf(firstIn(texts, /\bprefill_policy: Some\((\w+)/) ?? policy),
    decodePolicy: wordOf(firstIn(texts, /\bdecode_policy: Some\((\w+)/) ?? policy),
    errors: messages.filter(({ level }) => level === 'ERROR' || level === 'CRITICAL').length,
  };
}

/** A server that a router will not send requests to. */
export interface Refusal {
  readonly url: string;
  readonly reason: string;
}

// Failed job: type=AddWorker, worker=http://n1:30001, duration=9.1s, error=Workflow failed at step discover_metadata: no
const REFUSED = /\bfailed job: type=AddWorker, worker=(\S+?), (?:duration=[^,]*, )?error=(.+)/i;

/** The first server that a router says that it gave up; it tries none of those that it was started with again. */
export function findRefusal(lines: readonly string[]): Refusal | null {
  for (const line of lines) {
    const [, url, reason = ''] = REFUSED.exec(plainLine(line).trimEnd()) ?? [];
    if (url !== undefined) return { url, reason };
  }
  return null;
}

function firstIn(texts: readonly string[], pattern: RegExp): string | null {
  return texts.map((text) => pattern.exec(text)?.[1]).find((found) => found !== undefined) ?? null;
}

/** `RoundRobin` is `round_robin`. */
function wordOf(name: string | null): string | null {
  return name?.replaceAll(/(?<=[a-z])(?=[A-Z])/g, '_').toLowerCase() ?? null;
}
