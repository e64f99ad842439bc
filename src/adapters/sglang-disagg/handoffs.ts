import { groupBy } from '../../core/group-by.ts';
import type { RoleLog } from '../shared/role-logs.ts';
import { readReqTimeStats } from './req-time-stats.ts';
import type { ReqTimeStats } from './req-time-stats.ts';

/** What a server said of one request, and where. */
export interface RequestRecord extends ReqTimeStats {
  readonly host: string;
}

/** One request's way from a prefill to a decode server; null where its servers do not say it. */
export interface Handoff {
  readonly decodeHost: string;
  /** When the decode server reported it, as its log says it. */
  readonly stamp: string;
  /** How long its KV cache was under way, milliseconds. */
  readonly kvTransferMs: number | null;
  /** How long its decode server had waited for the KV cache, the prefill included, milliseconds. */
  readonly kvWaitMs: number | null;
  /** When the prefill server began to send, and when the decode server began to work on it, milliseconds since the Unix epoch. */
  readonly prefillDoneMs: number | null;
  readonly decodeStartMs: number | null;
}

/** What the logs of both sides come to. */
export interface Handoffs {
  /** In the order that decode servers began with them, as far as that is known. */
  readonly joined: readonly Handoff[];
  /** Requests that the decode servers reported and that have no one partner on the other side. */
  readonly unmatched: number;
}

// A server warms up by requests of its own, which look alike on all of them.
const READY = /The server is fired up and ready to roll!/;

/** The requests that servers reported since they were ready. */
export function requestRecords(logs: readonly RoleLog[]): readonly RequestRecord[] {
  return logs.flatMap(({ host, lines }) => {
    const ready = lines.findIndex((line) => READY.test(line));
    return lines.slice(ready + 1).flatMap((line) => {
      const stats = readReqTimeStats(line);
      return stats === null ? [] : [{ ...stats, host }];
    });
  });
}

/**
 * Joins the reports of both sides by bootstrap room, or by request id where a version prints no room and both sides use
 * one id. What is there twice on a side, with another content, is joined with nothing.
 */
export function joinHandoffs(records: readonly RequestRecord[]): Handoffs {
  const prefill = uniqueByKey(records, 'prefill');
  const decode = uniqueByKey(records, 'decode');
  const joined = [...decode].flatMap(([key, received]) => {
    const sent = prefill.get(key);
    return sent === undefined || sent === null || received === null
      ? []
      : [{ received, handoff: handoffOf(sent, received) }];
  });
  const inOrder = joined.toSorted((a, b) => compare(a.received, b.received));
  return { joined: inOrder.map(({ handoff }) => handoff), unmatched: decode.size - joined.length };
}

/** By when the decode server began, else by when it reported the end. */
function compare(a: RequestRecord, b: RequestRecord): number {
  if (a.entryMs !== null && b.entryMs !== null) return a.entryMs - b.entryMs;
  return a.stamp < b.stamp ? -1 : Number(a.stamp > b.stamp);
}

/** By what one request has in common; null for a key that does not tell which request it is. */
function uniqueByKey(
  records: readonly RequestRecord[],
  side: ReqTimeStats['side'],
): ReadonlyMap<string, RequestRecord | null> {
  const own = records.filter((record) => record.side === side);
  const byKey = groupBy(own, ({ room, rid }) => (room === null ? `rid ${rid}` : `room ${room}`));
  return new Map(
    [...byKey].map(([key, [first, ...others]]) => {
      // Printed twice, it is one report all the same.
      const isOne = first !== undefined && others.every((other) => JSON.stringify(other) === JSON.stringify(first));
      return [key, isOne ? first : null];
    }),
  );
}

function handoffOf(sent: RequestRecord, received: RequestRecord): Handoff {
  const kvTransferMs = transferMs(sent);
  const sentMs = sum([sent.entryMs, sent.admissionMs, sent.queueMs, sent.forwardMs]);
  return {
    decodeHost: received.host,
    stamp: received.stamp,
    kvTransferMs,
    kvWaitMs: received.waitForKvMs,
    prefillDoneMs: sentMs === null || kvTransferMs === null ? null : sentMs - kvTransferMs,
    decodeStartMs: sum([received.entryMs, received.admissionMs, received.waitForKvMs, received.queueMs]),
  };
}

const MB_PER_GB = 1024;

/**
 * SGLang prints what it transferred and how fast, to two digits. It never took longer than the forward pass that it is the
 * end of; that whole pass counts where the speed rounds to nothing, so that the slowest are not the ones left out.
 */
function transferMs({ transferMb, transferGbPerSec, forwardMs }: RequestRecord): number | null {
  if (transferMb === null || transferMb === 0 || transferGbPerSec === null) return null;
  if (transferGbPerSec === 0) return forwardMs;
  const ms = (transferMb / MB_PER_GB / transferGbPerSec) * 1000;
  return forwardMs === null ? ms : Math.min(ms, forwardMs);
}

function sum(terms: readonly (number | null)[]): number | null {
  return terms.reduce((total, term) => (total === null || term === null ? null : total + term), 0);
}
