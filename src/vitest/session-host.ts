import { resolve } from 'node:path';
import type { Reporter, TestProject, TestSpecification, Vitest } from 'vitest/node';
import { namesConfigs } from '../core/variables.ts';
import { pastDurationS } from '../session/past-duration.ts';
import { planSession } from '../session/plan.ts';
import type { PlannedCell, SessionOptions, SessionPlan } from '../session/plan.ts';
import type { PlannedClaim } from '../session/planned-claim.ts';
import { frameworks } from '../session/registry.ts';
import type { CellRunner } from '../session/run.ts';
import type { ReuseMode } from '../session/stored/reuse.ts';
import { suiteFolders } from './claims/suite-files.ts';
import type { LiveCells } from './live/live-cells.ts';
import { liveProgress } from './live/progress.ts';
import type { LiveProgress } from './live/progress.ts';
import { ProjectClaims } from './project-claims.ts';
import type { DraftedClaims } from './project-claims.ts';
import type { ReportSource } from './report/reporter.ts';
import { explainEmptySelection } from './select/nearest-selection.ts';
import { outsideOf } from './select/outside.ts';
import { CellShards } from './select/shard.ts';
import { processStopper } from './stop/process-stopper.ts';

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

interface HostParts {
  readonly vitest: Vitest;
  readonly options: HostOptions;
  readonly session: CellRunner;
  /** Where workers ask for runs. */
  readonly socket: string;
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
  readonly #socket: string;
  readonly #shards: CellShards | null;
  readonly #projects: ProjectClaims[] = [];
  /** Which claims the present pass is about; null for all that are selected. */
  #isInPass: ((claim: PlannedClaim) => boolean) | null = null;
  #cancelled: Promise<void> = Promise.resolve();
  #joining: Promise<unknown> = Promise.resolve();

  constructor({ vitest, options, session, socket, cells }: HostParts) {
    this.vitest = vitest;
    this.options = options;
    this.#session = session;
    this.#socket = socket;
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
      outsideOf(this.options, this.plan()),
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
      socket: this.#socket,
      isNarrowed: this.options.onlyCells.length > 0 || namesConfigs(process.env),
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
