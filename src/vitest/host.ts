import { resolve } from 'node:path';
import type { Reporter, TestProject, TestSpecification, Vitest } from 'vitest/node';
import type { SessionListener } from '../session/events.ts';
import { NodeLocks } from '../session/node-locks.ts';
import { OwnRuns } from '../session/own-runs.ts';
import { pastDurationS } from '../session/past-duration.ts';
import { planSession } from '../session/plan.ts';
import type { PlannedCell, SessionOptions, SessionPlan } from '../session/plan.ts';
import type { PlannedClaim } from '../session/planned-claim.ts';
import { frameworks } from '../session/registry.ts';
import { Session } from '../session/run.ts';
import type { CellRunner, RequestOutcome, SharedBySessions } from '../session/run.ts';
import type { ReuseMode } from '../session/stored/reuse.ts';
import { Broker } from './broker.ts';
import type { SessionOutcome } from './broker.ts';
import { LiveCells } from './live/live-cells.ts';
import { explainEmptyListing } from './select/listing.ts';
import { onNamePattern } from './select/name-pattern.ts';
import { endWithoutWorkers } from './stop/lost-worker.ts';
import { explainEmptySelection } from './select/nearest-selection.ts';
import { printLine } from './screen/print.ts';
import { listenToParent, processStopper } from './stop/process-stopper.ts';
import { liveProgress } from './live/progress.ts';
import type { LiveProgress } from './live/progress.ts';
import { ProjectClaims } from './project-claims.ts';
import type { DraftedClaims } from './project-claims.ts';
import { AssayReporter } from './report/reporter.ts';
import type { ReportSource } from './report/reporter.ts';
import { CellShards } from './select/shard.ts';
import { shardOnlyOthers } from './select/sharded-sequencer.ts';
import type { Stoppable } from './stop/stopper.ts';
import { suiteFolders } from './claims/suite-files.ts';
import { watchPlan } from './watch.ts';

/** What makes two projects share a session: the same configs, artifacts and reuse. */
export interface HostOptions extends SessionOptions {
  readonly reuse: ReuseMode;
}

/** What a project has for itself. */
export interface ProjectOptions {
  /** Folders of suites, relative to the root; `builtin` for those of the package. */
  readonly suites: readonly string[];
  /** The file that declares all tags to TypeScript, relative to the root; null for none. */
  readonly tagTypes: string | null;
}

/** A plan and the claims that each project makes about it, before any of it is in force. */
export interface Draft {
  readonly plan: SessionPlan;
  readonly claims: readonly { readonly project: ProjectClaims; readonly draft: DraftedClaims }[];
}

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
  const host = new SessionHost({ vitest, options, session, broker, cells });
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
  vitest.onClose(async () => {
    // A restart in watch mode keeps the Vitest object, and needs a session that lives.
    hosts.delete(vitest);
    stopWatching();
    forgetPattern();
    await processStopper.close(stoppable);
    broker.close();
    endWithoutWorkers(vitest);
  });
  return host;
}

interface HostParts {
  readonly vitest: Vitest;
  readonly options: HostOptions;
  readonly session: CellRunner;
  readonly broker: Broker;
  readonly cells: LiveCells;
}

/**
 * What one Vitest process has once for all projects with the same configs: the plan, who runs its cells, where
 * workers ask for them, and what is said of them.
 */
export class SessionHost implements ReportSource {
  readonly vitest: Vitest;
  readonly options: HostOptions;
  readonly progress: LiveProgress;
  readonly #session: CellRunner;
  readonly #broker: Broker;
  readonly #shards: CellShards | null;
  readonly #projects: ProjectClaims[] = [];
  /** Which claims the present pass is about; null for all that are selected. */
  #isInPass: ((claim: PlannedClaim) => boolean) | null = null;
  #cancelled: Promise<void> = Promise.resolve();
  #joining: Promise<unknown> = Promise.resolve();

  constructor({ vitest, options, session, broker, cells }: HostParts) {
    this.vitest = vitest;
    this.options = options;
    this.#session = session;
    this.#broker = broker;
    this.#shards = this.shard === null ? null : new CellShards(this.shard);
    this.progress = liveProgress(vitest, {
      estimateS: (planned) => pastDurationS(planned, session.plan.artifacts),
      selected: () => this.selected(),
      cells,
    });
  }

  /** What Vitest tells of its passes goes to the session. */
  get passes(): Pick<Reporter, 'onTestRunStart' | 'onTestRunEnd'> {
    return {
      onTestRunStart: () => this.#session.beginPass(),
      onTestRunEnd: (_modules, _errors, reason) => {
        if (reason === 'interrupted') this.#cancelled = this.#session.cancel();
      },
    };
  }

  get reuse(): ReuseMode {
    return this.options.reuse;
  }

  get shard(): { readonly index: number; readonly count: number } | null {
    return this.vitest.config.shard ?? null;
  }

  get projects(): readonly ProjectClaims[] {
    return this.#projects;
  }

  plan(): SessionPlan {
    return this.#session.plan;
  }

  selected(): readonly PlannedClaim[] {
    const all = this.#projects.flatMap(({ selected }) => selected);
    return this.#isInPass === null ? all : all.filter(this.#isInPass);
  }

  explainEmpty(): readonly string[] {
    const drafts = this.#projects.flatMap(({ current }) => current ?? []);
    const [first] = drafts;
    if (first === undefined) return [];
    return explainEmptySelection(
      drafts.flatMap(({ claims }) => claims),
      first.filters,
    );
  }

  explainEmptyShard(): string | null {
    return this.#shards?.explainEmpty() ?? null;
  }

  /** Whether a file is a suite of any project. */
  hasSuite(file: string): boolean {
    return this.#projects.some(({ current }) => current?.suites.some((suite) => suite.file === file) === true);
  }

  recordSkips(cells: readonly PlannedCell[]): Promise<void> {
    return this.#session.recordSkips(cells);
  }

  async untilStopped(): Promise<boolean> {
    await Promise.allSettled([processStopper.stopped, this.#cancelled]);
    return processStopper.isStopping;
  }

  /** Reads a project's suites and selects its claims. */
  join(project: TestProject, given: ProjectOptions): Promise<ProjectClaims> {
    // One after the other in the order of the config: all shards must deal the same cells in the same order.
    const joined = this.#joining.then(() => this.#add(project, given));
    this.#joining = joined.catch(() => undefined);
    return joined;
  }

  async #add(project: TestProject, { suites, tagTypes }: ProjectOptions): Promise<ProjectClaims> {
    const claims = new ProjectClaims(project, {
      vitest: this.vitest,
      folders: suiteFolders(this.options.root, suites),
      socket: this.#broker.socket,
      isNarrowed: this.options.onlyCells.length > 0 || (process.env['ASSAY_CONFIGS'] ?? '') !== '',
      shards: this.#shards,
      tagTypes: tagTypes === null ? null : resolve(this.options.root, tagTypes),
    });
    claims.commit(await claims.draft(this.plan()));
    this.#projects.push(claims);
    return claims;
  }

  /**
   * What configs, cluster file and suites say now; changes nothing.
   *
   * @throws AssayError as `planSession` and `ProjectClaims.draft` do.
   */
  async draft(plan = planSession(this.options, frameworks)): Promise<Draft> {
    const claims = [];
    for (const project of this.#projects) claims.push({ project, draft: await project.draft(plan) });
    return { plan, claims };
  }

  /** Puts a draft in force. */
  commit({ plan, claims }: Draft): void {
    this.#session.replan(plan);
    for (const { project, draft } of claims) project.commit(draft);
  }

  /** Runs again what is selected and passes `isInPass`, which settles when that pass is over. */
  async rerun(specifications: TestSpecification[], isInPass: (claim: PlannedClaim) => boolean): Promise<void> {
    this.#isInPass = isInPass;
    await this.vitest.rerunTestSpecifications(specifications).finally(() => (this.#isInPass = null));
    // Vitest keeps the narrowed specifications; the next pass is about everything again.
    await this.vitest.globTestSpecifications();
  }
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
