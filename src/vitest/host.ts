import type { Vitest } from 'vitest/node';
import type { SessionListener } from '../session/events.ts';
import { NodeLocks } from '../session/node-locks.ts';
import { OwnRuns } from '../session/own-runs.ts';
import { planSession } from '../session/plan.ts';
import { frameworks } from '../session/registry.ts';
import { Session } from '../session/run.ts';
import type { CellRunner, RequestOutcome, SharedBySessions } from '../session/run.ts';
import { Broker } from './broker.ts';
import type { SessionOutcome } from './broker.ts';
import { LiveCells } from './live/live-cells.ts';
import { AssayReporter } from './report/reporter.ts';
import { printLine } from './screen/print.ts';
import { explainEmptyListing } from './select/listing.ts';
import { onNamePattern } from './select/name-pattern.ts';
import { shardOnlyOthers } from './select/sharded-sequencer.ts';
import { SessionHost } from './session-host.ts';
import type { HostOptions } from './session-host.ts';
import { endWithoutWorkers } from './stop/lost-worker.ts';
import { listenToParent, processStopper } from './stop/process-stopper.ts';
import type { Stoppable } from './stop/stopper.ts';
import { watchPlan } from './watch.ts';

/** Makes what runs the cells of a plan. */
export type SessionOpener = (...args: ConstructorParameters<typeof Session>) => CellRunner;

const launching: SessionOpener = (...args) => new Session(...args);

// Vitest calls the plugin once per project and gives each a fresh closure; the
// cells must be launched once all the same.
const hosts = new WeakMap<Vitest, Map<string, Promise<SessionHost>>>();

// Sessions of other configs share the nodes, and what both ask for is launched once.
const shared = new WeakMap<Vitest, SharedBySessions>();

function sharedBy(vitest: Vitest): SharedBySessions {
  const known = shared.get(vitest) ?? { locks: new NodeLocks(), runs: new OwnRuns() };
  shared.set(vitest, known);
  return known;
}

/** The session of a project: the one that another project of this Vitest has already, or a new one. */
export function hostOf(vitest: Vitest, options: HostOptions, open = launching): Promise<SessionHost> {
  const ofVitest = hosts.get(vitest) ?? new Map<string, Promise<SessionHost>>();
  hosts.set(vitest, ofVitest);
  const key = JSON.stringify(options);
  const known = ofVitest.get(key) ?? openHost(vitest, options, open);
  ofVitest.set(key, known);
  return known;
}

async function openHost(vitest: Vitest, options: HostOptions, open: SessionOpener): Promise<SessionHost> {
  const { reuse } = options;
  const cells = new LiveCells(() => processStopper.update());
  const listeners: SessionListener[] = [(event) => cells.onEvent(event)];
  const tell: SessionListener = (event) => listeners.forEach((listen) => listen(event));
  const session = open(planSession(options, frameworks), tell, { shared: sharedBy(vitest), reuse });
  const broker = await Broker.open(async (cell) => sayStopped(await cells.track(cell, () => session.request(cell))));
  const host = new SessionHost({ vitest, options, session, socket: broker.socket, cells });
  const reporter = new AssayReporter(vitest, host);
  listeners.push((event) => reporter.onSessionEvent(event));
  vitest.config.reporters.push(host.passes as never, reporter as never);
  const stoppable = stoppableOf({ vitest, session, cells });
  processStopper.add(stoppable);
  listenToParent();
  const stopWatching = vitest.config.watch ? watchPlan(host) : () => undefined;
  const forgetPattern = onNamePattern(vitest, async () => host.commit(await host.draft(host.plan())));
  explainEmptyListing(vitest, host);
  if (host.shard !== null) {
    const { sequence } = vitest.config;
    sequence.sequencer = shardOnlyOthers(sequence.sequencer, (file) => host.hasSuite(file));
  }
  endWithoutWorkers(vitest, () => processStopper.close(stoppable));
  vitest.onClose(async () => {
    // A restart in watch mode keeps the Vitest object, and needs a session that lives.
    hosts.delete(vitest);
    stopWatching();
    forgetPattern();
    await processStopper.close(stoppable);
    broker.close();
  });
  return host;
}

interface StoppableParts {
  readonly vitest: Vitest;
  readonly session: CellRunner;
  readonly cells: LiveCells;
}

function stoppableOf({ vitest, session, cells }: StoppableParts): Stoppable {
  return {
    vitest,
    cells,
    stop: () => session.stop(),
    force: () => session.force(),
    print: (line) => printLine(vitest, line),
  };
}

/** What the stop itself cut short says nothing about a claim. */
function sayStopped(outcome: RequestOutcome): SessionOutcome {
  if (!processStopper.isStopping) return outcome;
  const isCutShort = outcome.state === 'skipped' || outcome.status === 'interrupted';
  return isCutShort ? { state: 'stopped', reason: 'not judged: the session was stopped' } : outcome;
}
