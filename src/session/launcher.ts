import { v7 as uuidv7 } from 'uuid';
import { forgetLive, noteLive } from '../evidence/store/live-runs.ts';
import { prepareArtifacts } from '../evidence/run-folder.ts';
import { digestOn } from '../exec/image-digest.ts';
import type { RunRequest } from '../lifecycle/adapter.ts';
import type { SessionListener } from './events.ts';
import { hostsSpecOf } from './hosts-spec.ts';
import { JobHostProcess, noteOf } from './job-client.ts';
import type { JobMessage } from './job-messages.ts';
import type { NodeLocks } from './node-locks.ts';
import { withImage } from './plan.ts';
import type { PlannedCell, SessionPlan } from './plan.ts';
import { reapDeadRuns } from './reap.ts';
import { NOT_RUN, Scheduler } from './scheduler.ts';
import type { CellOutcome, Turn, TurnEnd } from './scheduler.ts';
import type { Skip } from './skip.ts';
import { SlurmLine } from './slurm-line.ts';
import { newRun, recordSkip, startRun } from './start-run.ts';

/** Where runs happen and leave their evidence. */
export type LaunchPlace = Pick<SessionPlan, 'pool' | 'artifacts'>;

/** Launches cells, each in a job host of its own or in that of the cell before it. */
export class Launcher {
  readonly #place: () => LaunchPlace;
  readonly #listen: SessionListener;
  readonly #scheduler: Scheduler<JobHostProcess>;
  readonly #jobHosts = new Set<JobHostProcess>();
  /** What ends when everything that was launched is gone. */
  readonly #live = new Set<Promise<unknown>>();
  readonly #id = uuidv7();
  #slurmLine = new SlurmLine(this.#id);
  /** The ended run that stays noted for the sake of Slurm tasks that no run took yet. */
  #notedForTasks: string | null = null;
  #swept: Promise<void> | null = null;
  /** Grows whenever what is under way is called off: what began before is not launched any more. */
  #callsOff = 0;

  /** `locks` are those of all launchers of this process. */
  constructor(place: () => LaunchPlace, listen: SessionListener, locks: NodeLocks) {
    this.#place = place;
    this.#listen = listen;
    const runner = {
      run: (turn: Turn<JobHostProcess>) => this.#tracked(this.#run(turn)),
      refuse: (planned: PlannedCell, skip: Skip) => this.#tracked(this.#refuse(planned, skip)),
    };
    this.#scheduler = new Scheduler(runner, locks);
  }

  /** Launches a cell when its turn comes, and settles with what became of it. */
  launch(planned: PlannedCell): Promise<CellOutcome> {
    return this.#scheduler.launch(planned);
  }

  /** From now on a config whose canary failed may send one ahead again. */
  beginPass(): void {
    this.#scheduler.beginPass();
  }

  /** The digest of the image that the first host of a bound cell has; null where nobody knows it. */
  digestFor({ cell, binding }: PlannedCell): Promise<string | null> {
    const hosts = binding.state === 'bound' ? binding.hosts : {};
    return digestOn(hostsSpecOf(cell, hosts, { ...this.#place(), session: this.#id, mayBeFollowed: false }));
  }

  /** Ends what is under way and waits until it is torn down; what is asked for later is launched again. */
  async cancel(): Promise<void> {
    this.#scheduler.withdraw();
    await this.#callOff();
    this.#slurmLine = new SlurmLine(this.#id);
  }

  /** Ends what is under way and waits until it is torn down. Launches nothing any more. */
  async stop(): Promise<void> {
    this.#scheduler.close();
    await this.#callOff();
  }

  /** Ends the live runs at once, and cleans up behind them from here; settles when that is done. */
  async force(): Promise<void> {
    this.#callsOff += 1;
    this.#scheduler.close();
    const jobHosts = [...this.#jobHosts];
    for (const jobHost of jobHosts) jobHost.kill();
    await Promise.all(jobHosts.map(({ ended }) => ended));
    await Promise.allSettled(this.#live);
  }

  async #callOff(): Promise<void> {
    this.#callsOff += 1;
    await Promise.all([...this.#jobHosts].map((jobHost) => jobHost.close()));
    await Promise.allSettled(this.#live);
    await this.#slurmLine.close();
    this.#forgetTasks();
  }

  /** Before the first launch: a node may still be busy with what a dead session left. */
  async #sweep(): Promise<void> {
    const { artifacts } = this.#place();
    prepareArtifacts(artifacts);
    for (const reaped of await reapDeadRuns(artifacts)) this.#listen({ type: 'reaped', reaped });
  }

  async #tracked<T>(work: Promise<T>): Promise<T> {
    this.#live.add(work);
    return work.finally(() => this.#live.delete(work));
  }

  #refuse(planned: PlannedCell, skip: Skip): Promise<void> {
    this.#listen({ type: 'refused', planned, skip });
    return recordSkip(planned, skip, this.#place());
  }

  async #run({ planned, hosts, before, mayKeep, behind }: Turn<JobHostProcess>): Promise<TurnEnd<JobHostProcess>> {
    const callsOff = this.#callsOff;
    const isCalledOff = (): boolean => this.#callsOff > callsOff;
    this.#swept ??= this.#sweep();
    await this.#swept;
    const next = behind();
    const request = await this.#request(planned, { hosts, mayBeFollowed: next.length > 0 });
    if (isCalledOff()) return { outcome: NOT_RUN, kept: before };
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
    // Called off while Slurm was asked: the job host gives the run that has begun its end.
    if (isCalledOff()) void jobHost.close();
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
    const { pool, artifacts } = this.#place();
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
    if (this.#notedForTasks !== null) forgetLive(this.#place().artifacts, this.#notedForTasks);
    this.#notedForTasks = null;
  }

  #startJobHost(request: RunRequest): JobHostProcess {
    const jobHost = new JobHostProcess(request);
    this.#jobHosts.add(jobHost);
    void jobHost.ended.then(() => this.#jobHosts.delete(jobHost));
    return jobHost;
  }
}
