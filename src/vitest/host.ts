import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { globSync } from 'tinyglobby';
import type { TestProject, Vitest } from 'vitest/node';
import { AssayError } from '../core/errors.ts';
import { NodeLocks } from '../session/node-locks.ts';
import { planSession } from '../session/plan.ts';
import type { SessionOptions, SessionPlan } from '../session/plan.ts';
import { frameworks } from '../session/registry.ts';
import type { ReuseMode } from '../session/stored/reuse.ts';
import { Session } from '../session/run.ts';
import type { RequestOutcome } from '../session/run.ts';
import type { PlannedClaim } from '../session/planned-claim.ts';
import { Broker } from './broker.ts';
import type { SessionOutcome } from './broker.ts';
import { PLANNING } from './claim.ts';
import type { Claims } from './claim.ts';
import { LiveCells } from './live-cells.ts';
import { printLine } from './print.ts';
import { listenToParent, processStopper } from './process-stopper.ts';
import type { Stoppable } from './stopper.ts';
import { AssayReporter } from './reporter.ts';
import { planClaims } from './selection.ts';
import { describeSuite } from './suite.ts';
import type { Suite } from './suite.ts';

/** What one Vitest process needs once for all its projects: the plan, the claims, and who runs the cells. */
export interface SessionHost {
  readonly plan: SessionPlan;
  readonly suites: readonly Suite[];
  readonly claims: readonly PlannedClaim[];
  readonly reporter: AssayReporter;
  /** Where workers ask for runs. */
  readonly socket: string;
}

/** What makes two projects share a session: the same configs, artifacts, suites and reuse. */
export interface HostOptions extends SessionOptions {
  readonly suites: readonly string[];
  readonly reuse: ReuseMode;
}

// Vitest calls the plugin once per project and gives each a fresh closure; the
// cells must be launched once all the same.
const hosts = new WeakMap<Vitest, Map<string, Promise<SessionHost>>>();

// Projects with sessions of their own still share the nodes.
const locks = new WeakMap<Vitest, NodeLocks>();

function locksOf(vitest: Vitest): NodeLocks {
  const known = locks.get(vitest) ?? new NodeLocks();
  locks.set(vitest, known);
  return known;
}

/** The session of a project: the one that another project of this Vitest has already, or a new one. */
export function hostOf(vitest: Vitest, project: TestProject, options: HostOptions): Promise<SessionHost> {
  const ofVitest = hosts.get(vitest) ?? new Map<string, Promise<SessionHost>>();
  hosts.set(vitest, ofVitest);
  const key = JSON.stringify(options);
  const known = ofVitest.get(key) ?? openHost(vitest, project, options);
  ofVitest.set(key, known);
  return known;
}

async function openHost(vitest: Vitest, project: TestProject, options: HostOptions): Promise<SessionHost> {
  const plan = planSession(options, frameworks);
  const suites = await loadSuites(project, options);
  const claims = planClaims(suites, plan.cells);
  const cells = new LiveCells(() => processStopper.update());
  const { reuse } = options;
  const reporter = new AssayReporter(vitest, plan, {
    reuse,
    recordSkips: (skipped) => session.recordSkips(skipped),
    untilStopped: () => processStopper.stopped.then(() => processStopper.isStopping),
  });
  const session = new Session(
    plan,
    (event) => {
      reporter.onSessionEvent(event);
      cells.onEvent(event);
    },
    { locks: locksOf(vitest), reuse },
  );
  const stoppable = stoppableOf({ vitest, session, cells });
  processStopper.add(stoppable);
  listenToParent();
  const broker = await Broker.open(async (cell) => sayStopped(await cells.track(cell, () => session.request(cell))));
  vitest.config.reporters.push(reporter as never);
  vitest.onClose(async () => {
    // A restart in watch mode keeps the Vitest object, and needs a session that lives.
    hosts.delete(vitest);
    await processStopper.close(stoppable);
    broker.close();
  });
  return { plan, suites, claims, reporter, socket: broker.socket };
}

interface StoppableParts {
  readonly vitest: Vitest;
  readonly session: Session;
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

const BUILTIN_SUITES = fileURLToPath(new URL('../../suites', import.meta.url));

async function loadSuites(project: TestProject, { root, suites: names }: HostOptions): Promise<readonly Suite[]> {
  const planning = globalThis as { [PLANNING]?: true };
  planning[PLANNING] = true;
  const suites: Suite[] = [];
  for (const name of names) {
    const folder = name === 'builtin' ? BUILTIN_SUITES : join(root, name);
    const files = globSync('**/*.test.{ts,mts,js,mjs}', { cwd: folder, absolute: true }).sort();
    if (files.length === 0) {
      throw new AssayError('CLAIMS_INVALID', `no suite file (*.test.ts) in ${folder}`, {
        hint: 'correct `suites` in assay({ suites }), or remove the entry',
      });
    }
    for (const file of files) suites.push(describeSuite(folder, file, await importClaims(project, file)));
  }
  return suites;
}

async function importClaims(project: TestProject, file: string): Promise<Claims> {
  const module = await project.import<{ readonly default?: Claims }>(file);
  if (module.default !== undefined) return module.default;
  throw new AssayError('CLAIMS_INVALID', `${file} has no default export`, {
    hint: 'write `export default claims({ ... })`',
  });
}
