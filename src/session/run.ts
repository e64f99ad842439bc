import { v7 as uuidv7 } from 'uuid';
import { digestOn } from '../exec/image-digest.ts';
import type { Phase, Status } from '../evidence/failure.ts';
import { forgetLive, noteLive } from '../evidence/store/live-runs.ts';
import { prepareArtifacts } from '../evidence/run-folder.ts';
import type { Progress, RunRequest } from '../lifecycle/adapter.ts';
import { hostsSpecOf } from './hosts-spec.ts';
import { JobHostProcess, noteOf } from './job-client.ts';
import type { JobMessage } from './job-messages.ts';
import type { NodeLocks } from './node-locks.ts';
import type { Miss } from './stored/nearest-run.ts';
import { withImage } from './plan.ts';
import type { PlannedCell, SessionPlan } from './plan.ts';
import { reapDeadRuns } from './reap.ts';
import type { Reaped } from './reap.ts';
import { StoredRuns } from './stored/reuse.ts';
import type { DamagedRun, Hit, ReuseMode } from './stored/reuse.ts';
import { SlurmLine } from './slurm-line.ts';
import { NOT_RUN, Scheduler } from './scheduler.ts';
import type { CellOutcome, Turn, TurnEnd } from './scheduler.ts';
import type { Skip } from './skip.ts';
import { newRun, recordSkip, startRun } from './start-run.ts';

/** What happens to the cells of a session, as it happens. */
export type SessionEvent =
  | { readonly type: 'reaped'; readonly reaped: Reaped }
  | { readonly type: 'started'; readonly planned: PlannedCell; readonly folder: string }
  | { readonly type: 'waiting'; readonly planned: PlannedCell; readonly what: string }
  | { readonly type: 'phase'; readonly planned: PlannedCell; readonly phase: Phase }
  | { readonly type: 'progress'; readonly planned: PlannedCell; readonly progress: Progress }
  /** A stored run stands for a launch. */
  | ({ readonly type: 'reused'; readonly planned: PlannedCell } & Omit<Hit, 'state'>)
  /** No stored run stands for a launch: it is launched, or skipped where nothing may be launched. */
  | { readonly type: 'missed'; readonly planned: PlannedCell; readonly miss: Miss; readonly skip: Skip | null }
  /** A stored run of this cell is damaged: an older one is looked for. */
  | ({ readonly type: 'damaged'; readonly planned: PlannedCell } & DamagedRun)
  /** Not launched after all. */
  | { readonly type: 'refused'; readonly planned: PlannedCell; readonly skip: Skip }
  | { readonly type: 'ended'; readonly planned: PlannedCell; readonly folder: string; readonly status: Status };

/** What became of a cell: launched, not launched, or a stored run stands for it. */
export type RequestOutcome =
  | CellOutcome
  | { readonly state: 'reused'; readonly folder: string; readonly status: Status };

interface SessionSettings {
  /** Those that the sessions of this process share. */
  readonly locks?: NodeLocks;
  /** `off` by default. */
  readonly reuse?: ReuseMode;
}

/** Runs the cells of a plan on request, each exactly once. */
export class Session {
  readonly plan: SessionPlan;
  readonly #scheduler: Scheduler<JobHostProcess>;
  readonly #listen: (event: SessionEvent) => void;
  readonly #jobHosts = new Set<JobHostProcess>();
  /** What ends when everything that was launched is gone. */
  readonly #live = new Set<Promise<unknown>>();
  readonly #skipped = new Set<string>();
  readonly #reuse: ReuseMode;
  /** The cells that a stored run may stand for, by key. */
  readonly #reusable: ReadonlyMap<string, PlannedCell>;
  readonly #stored: StoredRuns;
  readonly #outcomes = new Map<string, Promise<RequestOutcome>>();
  /** Digests of images by their node, for cells that are looked up. */
  readonly #digests = new Map<string, Promise<string | null>>();
  /** Cells are looked up one after the other, and launched in the order in which they were asked for. */
  #lookups: Promise<unknown> = Promise.resolve();
  readonly #id = uuidv7();
  readonly #slurmLine = new SlurmLine(this.#id);
  /** The ended run that stays noted for the sake of Slurm tasks that no run took yet. */
  #notedForTasks: string | null = null;
  #swept: Promise<void> | null = null;
  #isStopped = false;

  constructor(
    plan: SessionPlan,
    listen: (event: SessionEvent) => void,
    { locks, reuse = 'off' }: SessionSettings = {},
  ) {
    this.plan = plan;
    this.#listen = listen;
    this.#reuse = reuse;
    const reusable = reuse === 'off' ? [] : plan.cells.filter(({ skip }) => skip === null);
    this.#reusable = new Map(reusable.map((planned) => [planned.cell.key, planned]));
    this.#stored = new StoredRuns(plan.artifacts);
    const runner = {
      run: (turn: Turn<JobHostProcess>) => this.#tracked(this.#run(turn)),
      refuse: (planned: PlannedCell, skip: Skip) => this.#tracked(this.#refuse(planned, skip)),
    };
    this.#scheduler = new Scheduler(plan.cells, runner, locks);
  }

  /** Launches a cell, unless this session did already or a stored run may stand for it, and waits for its end. */
  request(key: string): Promise<RequestOutcome> {
    const planned = this.#reusable.get(key);
    if (planned === undefined) return this.#scheduler.request(key);
    const known = this.#outcomes.get(key);
    if (known !== undefined) return known;
    const lookup = this.#lookups.then(() => this.#tracked(this.#lookUp(planned)));
    this.#lookups = lookup.catch(() => undefined);
    const outcome = lookup.then((found) => found ?? this.#scheduler.request(key));
    this.#outcomes.set(key, outcome);
    return outcome;
  }

  /** Leaves evidence of the cells that are not run here, each once in a session. */
  async recordSkips(cells: Iterable<PlannedCell>): Promise<void> {
    for (const planned of cells) {
      const { skip, cell } = planned;
      if (skip === null || this.#skipped.has(cell.key)) continue;
      if (this.#skipped.size === 0) prepareArtifacts(this.plan.artifacts);
      this.#skipped.add(cell.key);
      await recordSkip(planned, skip, this.plan);
    }
  }

  /** Ends the live runs early and waits until they are torn down. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#scheduler.close();
    await Promise.all([...this.#jobHosts].map((jobHost) => jobHost.close()));
    await Promise.allSettled(this.#live);
    await this.#slurmLine.close();
    this.#forgetTasks();
  }

  /** Ends the live runs at once, and cleans up behind them from here; settles when that is done. */
  async force(): Promise<void> {
    this.#isStopped = true;
    this.#scheduler.close();
    const jobHosts = [...this.#jobHosts];
    for (const jobHost of jobHosts) jobHost.kill();
    await Promise.all(jobHosts.map(({ ended }) => ended));
    await Promise.allSettled(this.#live);
  }

  /** Before the first launch: a node may still be busy with what a dead session left. */
  async #sweep(): Promise<void> {
    prepareArtifacts(this.plan.artifacts);
    for (const reaped of await reapDeadRuns(this.plan.artifacts)) this.#listen({ type: 'reaped', reaped });
  }

  async #tracked<T>(work: Promise<T>): Promise<T> {
    this.#live.add(work);
    return work.finally(() => this.#live.delete(work));
  }

  /** What stands for a launch; null when the cell is to be launched. */
  async #lookUp(planned: PlannedCell): Promise<RequestOutcome | null> {
    if (this.#isStopped) return NOT_RUN;
    const { damaged, ...found } = await this.#stored.find(await this.#withImage(planned));
    for (const run of damaged) this.#listen({ type: 'damaged', planned, ...run });
    if (found.state === 'hit') {
      const { state: _state, ...hit } = found;
      this.#listen({ type: 'reused', planned, ...hit });
      return { state: 'reused', folder: hit.folder, status: hit.manifest.status };
    }
    const { reason, nearest } = found;
    const skip = this.#reuse === 'only' ? { reason: 'not_cached', detail: `not_cached (${reason})` } : null;
    this.#listen({ type: 'missed', planned, miss: { reason, nearest }, skip });
    return skip === null ? null : { state: 'skipped', reason: skip.detail };
  }

  /** A cell with the digest of the image that its first host has, which is asked if the answer can matter. */
  async #withImage(planned: PlannedCell): Promise<PlannedCell> {
    const { cell, binding, identity } = planned;
    if (!identity.isPending || binding.state === 'unbound' || !this.#stored.hasRunsOf(planned)) return planned;
    const on = hostsSpecOf(cell, binding.hosts, { pool: this.plan.pool, session: this.#id, mayBeFollowed: false });
    const key = JSON.stringify([on.container, on.nodes[0]]);
    const digest = this.#digests.get(key) ?? digestOn(on);
    this.#digests.set(key, digest);
    return withImage(planned, await digest);
  }

  #refuse(planned: PlannedCell, skip: Skip): Promise<void> {
    this.#listen({ type: 'refused', planned, skip });
    return recordSkip(planned, skip, this.plan);
  }

  async #run({ planned, hosts, before, mayKeep, behind }: Turn<JobHostProcess>): Promise<TurnEnd<JobHostProcess>> {
    this.#swept ??= this.#sweep();
    await this.#swept;
    const next = behind();
    const request = await this.#request(planned, { hosts, mayBeFollowed: next.length > 0 });
    // The session may have been stopped meanwhile.
    if (this.#isStopped) return { outcome: NOT_RUN, kept: before };
    // Noted first: whatever happens from here on, somebody can clean up.
    noteLive(request.artifacts, noteOf(request));
    startRun(request);
    const task = before === null ? await this.#slurmLine.take(request.on, [planned, ...next]) : null;
    const { folder } = request;
    this.#listen({ type: 'started', planned, folder });
    const jobHost = before ?? this.#startJobHost(request);
    const onMessage = (message: JobMessage): void => {
      if (message.type === 'waiting') this.#listen({ type: 'waiting', planned, what: message.reason });
      if (message.type === 'phase' || message.type === 'progress') this.#listen({ ...message, planned });
    };
    const { total } = planned.cell.workload.timeouts;
    const end = jobHost.run(
      { ...request, on: { ...request.on, task } },
      // The next cell takes over the allocation as well: it must have the time for it.
      { onMessage, mayKeep: () => mayKeep() && jobHost.hasTimeFor(total) },
    );
    // Stopped while Slurm was asked: the job host gives the run that has begun its end.
    if (this.#isStopped) void jobHost.close();
    const { status, isKept, isClean } = await end;
    if (isClean) this.#noteForTasks(request);
    this.#listen({ type: 'ended', planned, folder, status });
    if (!isKept) await jobHost.close();
    return { outcome: { state: 'ran', folder, status }, kept: isKept ? jobHost : null };
  }

  /** The request of a cell, with the digest of the image that its hosts have now. */
  async #request(
    planned: PlannedCell,
    { hosts, mayBeFollowed }: Pick<Turn<JobHostProcess>, 'hosts'> & { readonly mayBeFollowed: boolean },
  ): Promise<RunRequest> {
    const { pool, artifacts } = this.plan;
    const { reuse_server: mayKeep } = planned.cell.workload;
    const on = hostsSpecOf(planned.cell, hosts, { pool, session: this.#id, mayBeFollowed: mayBeFollowed && mayKeep });
    const known = planned.identity.isPending ? withImage(planned, await digestOn(on)) : planned;
    return newRun(known, { hosts, on, artifacts });
  }

  /** Should this process die between two runs, a later session finds the tasks by the note of the one before. */
  #noteForTasks(request: RunRequest): void {
    const hasTasks = this.#slurmLine.hasTasks();
    if (hasTasks) noteLive(request.artifacts, noteOf(request));
    this.#forgetTasks();
    if (hasTasks) this.#notedForTasks = request.runId;
  }

  #forgetTasks(): void {
    if (this.#notedForTasks !== null) forgetLive(this.plan.artifacts, this.#notedForTasks);
    this.#notedForTasks = null;
  }

  #startJobHost(request: RunRequest): JobHostProcess {
    const jobHost = new JobHostProcess(request);
    this.#jobHosts.add(jobHost);
    void jobHost.ended.then(() => this.#jobHosts.delete(jobHost));
    return jobHost;
  }
}
