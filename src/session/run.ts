import { v7 as uuidv7 } from 'uuid';
import { digestOn } from '../exec/image-digest.ts';
import type { Phase, Status } from '../evidence/failure.ts';
import { forgetLive, noteLive } from '../evidence/live-runs.ts';
import { prepareArtifacts } from '../evidence/run-folder.ts';
import type { Progress, RunRequest } from '../lifecycle/adapter.ts';
import { hostsSpecOf } from './hosts-spec.ts';
import { JobHostProcess, noteOf } from './job-client.ts';
import type { JobMessage } from './job-messages.ts';
import type { NodeLocks } from './node-locks.ts';
import { identifyWithImage } from './plan.ts';
import type { PlannedCell, SessionPlan } from './plan.ts';
import { reapDeadRuns } from './reap.ts';
import type { Reaped } from './reap.ts';
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
  /** Not launched after all. */
  | { readonly type: 'refused'; readonly planned: PlannedCell; readonly skip: Skip }
  | { readonly type: 'ended'; readonly planned: PlannedCell; readonly folder: string; readonly status: Status };

/** Runs the cells of a plan on request, each exactly once. */
export class Session {
  readonly plan: SessionPlan;
  readonly #scheduler: Scheduler<JobHostProcess>;
  readonly #listen: (event: SessionEvent) => void;
  readonly #jobHosts = new Set<JobHostProcess>();
  /** What ends when everything that was launched is gone. */
  readonly #live = new Set<Promise<unknown>>();
  readonly #skipped = new Set<string>();
  readonly #id = uuidv7();
  readonly #slurmLine = new SlurmLine(this.#id);
  /** The ended run that stays noted for the sake of Slurm tasks that no run took yet. */
  #notedForTasks: string | null = null;
  #swept: Promise<void> | null = null;
  #isStopped = false;

  /** `locks` are those that the sessions of this process share. */
  constructor(plan: SessionPlan, listen: (event: SessionEvent) => void, locks?: NodeLocks) {
    this.plan = plan;
    this.#listen = listen;
    const runner = {
      run: (turn: Turn<JobHostProcess>) => this.#tracked(this.#run(turn)),
      refuse: (planned: PlannedCell, skip: Skip) => this.#tracked(this.#refuse(planned, skip)),
    };
    this.#scheduler = new Scheduler(plan.cells, runner, locks);
  }

  /** Launches a cell unless this session did already, and waits for its end. */
  request(key: string): Promise<CellOutcome> {
    return this.#scheduler.request(key);
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
    const identity = planned.identity.isPending ? identifyWithImage(planned, await digestOn(on)) : planned.identity;
    return newRun({ ...planned, identity }, { hosts, on, artifacts });
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
