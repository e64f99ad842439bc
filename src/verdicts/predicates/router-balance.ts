import type { ThresholdOf } from '../../config/threshold.ts';
import type { Series } from '../../evidence/tables/tables.ts';
import type { Verdict } from '../../evidence/verdict.ts';
import { count } from '../describe.ts';
import { broken, judge, withoutAnswer } from '../judge.ts';
import type { Silence } from '../judge.ts';
import type { RunTables } from '../run-tables.ts';
import { findRuin, nameOf, silenceOf } from '../series.ts';

/** So many times its even share of the requests, a server may get at most. */
const LIMIT = 1.5;
/** A server that gets so many times its even share leaves the others idle. */
const LIVE_LIMIT = 3;
/** Of two servers none can get three even shares: so much of what is the most that one can get is as bad. */
const LIVE_SHARE_OF_ALL = 0.95;
/** Fewer requests for each server say little about how they are dealt out. */
const LIVE_REQUESTS_PER_SERVER = 20;
const METRIC = 'routed_requests';
const ROLES = ['prefill', 'decode'] as const;
const file = 'trajectory.parquet';

/**
 * The largest number of requests that one server got over the even share, within `prefill` and within `decode`; the worse
 * of the two is at most 1.5. A ratio, without a unit; n are the requests of that role. One server alone has its even
 * share.
 *
 * A server is a series of `routed_requests`, a counter: it got what the last point says more than the first. A server
 * that got none needs its series as well, or the others would look balanced. Without a series of either role, two points
 * of each and a request to each role there is nothing to judge.
 */
export function evaluateRouterBalance(threshold: ThresholdOf<'Predicate'>, { series }: RunTables): Verdict {
  const question = {
    threshold,
    metric: METRIC,
    name: 'largest share of the requests over the even share',
    bound: { op: '<=', expected: LIMIT },
    unit: '',
  } as const;
  const servers = series.filter(({ metric }) => metric === METRIC);
  const ruin = findRuin(servers);
  if (ruin !== null) return broken(question, ruin);
  const gap = servers.map(gapOf).find((silence) => silence !== null);
  if (gap !== undefined) return withoutAnswer(question, gap);
  const counts = servers.map((one) => ({ role: one.role, server: nameOf(one), requests: increaseOf(one) }));
  const shares = ROLES.map((role) => largestShare(counts, role));
  const missing = ROLES.find((_, index) => shares[index] === null);
  if (missing !== undefined) {
    return withoutAnswer(question, { reason: `no ${METRIC} of role ${missing} went up`, file });
  }
  const known = shares.filter((share) => share !== null);
  const worst = known.reduce((a, b) => (b.ratio > a.ratio ? b : a));
  return judge(question, { actual: worst.ratio, n: worst.total, evidence: { file }, notes: [describe(worst)] });
}

function gapOf(series: Series): Silence | null {
  const { length } = series.values;
  if (length < 2)
    return silenceOf(series, `has ${count(length, 'point')} of ${METRIC}, and an increase takes 2`, length);
  return increaseOf(series) < 0 ? silenceOf(series, `counts fewer ${METRIC} at its end`, length) : null;
}

function increaseOf({ values }: Series): number {
  return (values.at(-1) ?? NaN) - (values[0] ?? NaN);
}

/** How many requests one server got. */
export interface RoutedCount {
  readonly role: string;
  readonly server: string;
  readonly requests: number;
}

interface Share {
  /** The server that got most. */
  readonly server: string;
  readonly requests: number;
  /** Requests to all servers of the role. */
  readonly total: number;
  readonly servers: number;
  /** `requests` over the even share. */
  readonly ratio: number;
}

/** The largest share of one role; null when it got no request. */
function largestShare(counts: readonly RoutedCount[], role: string): Share | null {
  const ofRole = counts.filter((one) => one.role === role);
  const total = ofRole.reduce((sum, { requests }) => sum + requests, 0);
  if (!(total > 0)) return null;
  const { server, requests } = ofRole.reduce((a, b) => (b.requests > a.requests ? b : a));
  return { server, requests, total, servers: ofRole.length, ratio: (requests * ofRole.length) / total };
}

function describe({ server, requests, total, servers }: Share): string {
  return `${server} got ${requests} of the ${total} requests to ${count(servers, 'server')}`;
}

/**
 * What is wrong with the routing of a workload in flight: a server gets more than 3 times its even share, or, of two or
 * three servers, more than 95 % of all requests. Null while that is not so, and before a role has had 20 requests for
 * each of its servers.
 */
export function findImbalance(counts: readonly RoutedCount[]): string | null {
  const roles = [...new Set(counts.map(({ role }) => role))];
  const known = roles.map((role) => largestShare(counts, role)).filter((share) => share !== null);
  const unfair = known.find(
    ({ total, servers, ratio }) =>
      servers > 1 &&
      total >= LIVE_REQUESTS_PER_SERVER * servers &&
      ratio > Math.min(LIVE_LIMIT, LIVE_SHARE_OF_ALL * servers),
  );
  return unfair === undefined ? null : describe(unfair);
}
