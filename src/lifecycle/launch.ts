import { WorkloadFailure } from '../evidence/failure.ts';
import type { Command } from '../exec/executor.ts';
import type { LaunchedRole, ReadyRole, RunContext } from './adapter.ts';
import { waitUntilReady } from './ready.ts';
import type { Readiness } from './ready.ts';

/** One host of a role, when its command is made. */
export interface Place {
  readonly host: string;
  /** Its number among the hosts of the role, from 0. */
  readonly index: number;
  /** Where servers on the host listen, and are reached. */
  readonly address: string;
  /** Where any host of the run is reached. Throws for any other. */
  readonly addressOf: (host: string) => string;
  /** The roles that are ready already: those that this one comes after. */
  readonly ready: readonly ReadyRole[];
}

/** How one role is launched on each of its hosts. */
export interface RolePlan {
  readonly role: string;
  /** The roles that must be ready before: a router comes after the servers it routes to. */
  readonly after: readonly string[];
  readonly command: (place: Place) => Command;
  /** The same on every host, unless each has its own. */
  readonly readiness: Readiness | ((place: Place) => Readiness);
  /** Where it is launched. Default: on the hosts that the topology binds the role to. */
  readonly hosts?: readonly string[];
  /** Told of each process as soon as it runs, before it is ready. */
  readonly onLaunched?: (launched: LaunchedRole) => void;
}

/**
 * Launches roles on all their hosts at once, each as soon as those before it are ready; `earlier` are ready already.
 *
 * @returns every role that it launched, in the order of the plans and of their hosts.
 * @throws WorkloadFailure the first that occurs; nothing is being started any more when it is thrown.
 */
export async function launchRoles(
  context: RunContext,
  plans: readonly RolePlan[],
  earlier: readonly ReadyRole[] = [],
): Promise<readonly ReadyRole[]> {
  refuseCircles(plans);
  const failed = new AbortController();
  const signal = AbortSignal.any([context.signal, failed.signal]);
  const started = new Map<string, Promise<readonly ReadyRole[]>>();
  const start = (plan: RolePlan): Promise<readonly ReadyRole[]> => {
    const known = started.get(plan.role) ?? launchAfter(plan);
    started.set(plan.role, known);
    return known;
  };
  const launchAfter = async (plan: RolePlan): Promise<readonly ReadyRole[]> => {
    const before = await Promise.all(plans.filter(({ role }) => plan.after.includes(role)).map(start));
    const ready = [...earlier.filter(({ role }) => plan.after.includes(role)), ...before.flat()];
    const hosts = plan.hosts ?? context.request.hosts[plan.role] ?? [];
    if (hosts.length === 0) throw unplaced(plan.role);
    const addressOf = (host: string): string => context.executor(host).address;
    const places = hosts.map((host, index) => ({ host, index, address: addressOf(host), addressOf, ready }));
    return allOrNothing(
      places.map((place) => launchOne(context, { plan, place, signal })),
      failed,
    );
  };
  const ready = await allOrNothing(plans.map(start), failed);
  return ready.flat();
}

// What is launched nowhere would be missed much later, by what it should have left.
function unplaced(role: string): WorkloadFailure {
  return new WorkloadFailure('setup_failure', `the topology has no role "${role}" - add it, or give its plan hosts`);
}

interface OneLaunch {
  readonly plan: RolePlan;
  readonly place: Place;
  readonly signal: AbortSignal;
}

async function launchOne(context: RunContext, { plan, place, signal }: OneLaunch): Promise<ReadyRole> {
  signal.throwIfAborted();
  const launched = await context.launchRole(plan.role, place.host, plan.command(place));
  plan.onLaunched?.(launched);
  const readiness = typeof plan.readiness === 'function' ? plan.readiness(place) : plan.readiness;
  return waitUntilReady(context, { launched, readiness, signal });
}

/** All results, or the first failure once every other one has come to its end too. */
async function allOrNothing<T>(work: readonly Promise<T>[], failed: AbortController): Promise<readonly T[]> {
  const first = Promise.all(work).catch((thrown: unknown) => failed.abort(thrown));
  await Promise.allSettled([...work, first]);
  failed.signal.throwIfAborted();
  return Promise.all(work);
}

function refuseCircles(plans: readonly RolePlan[]): void {
  const isReachable = (from: string, to: string, seen: readonly string[]): boolean =>
    plans
      .filter(({ role }) => role === from)
      .flatMap(({ after }) => after)
      .some((role) => role === to || (!seen.includes(role) && isReachable(role, to, [...seen, role])));
  const circular = plans.find(({ role }) => isReachable(role, role, []));
  if (circular !== undefined) throw new Error(`role ${circular.role} waits for itself`);
}
