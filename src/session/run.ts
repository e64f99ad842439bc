import type { RoleHosts } from '../config/identity.ts';
import type { Phase, Status } from '../evidence/failure.ts';
import { prepareArtifacts } from '../evidence/run-folder.ts';
import type { Progress } from '../lifecycle/adapter.ts';
import { hostJob } from './job-client.ts';
import type { HostedJob } from './job-client.ts';
import type { NodeLocks } from './node-locks.ts';
import type { PlannedCell, SessionPlan } from './plan.ts';
import { reapDeadRuns } from './reap.ts';
import { NOT_RUN, Scheduler } from './scheduler.ts';
import type { CellOutcome } from './scheduler.ts';
import { recordSkip, startRun } from './start-run.ts';

/** What happens to the cells of a session, as it happens. */
export type SessionEvent =
  | { readonly type: 'reaped'; readonly folder: string }
  | { readonly type: 'started'; readonly planned: PlannedCell; readonly folder: string }
  | { readonly type: 'phase'; readonly planned: PlannedCell; readonly phase: Phase }
  | { readonly type: 'progress'; readonly planned: PlannedCell; readonly progress: Progress }
  | { readonly type: 'ended'; readonly planned: PlannedCell; readonly folder: string; readonly status: Status };

/** Runs the cells of a plan on request, each exactly once. */
export class Session {
  readonly plan: SessionPlan;
  readonly #scheduler: Scheduler;
  readonly #listen: (event: SessionEvent) => void;
  readonly #live = new Set<HostedJob>();
  readonly #skipped = new Set<string>();
  #swept: Promise<void> | null = null;
  #isStopped = false;

  /** `locks` are those that the sessions of this process share. */
  constructor(plan: SessionPlan, listen: (event: SessionEvent) => void, locks?: NodeLocks) {
    this.plan = plan;
    this.#listen = listen;
    this.#scheduler = new Scheduler(plan.cells, (planned, hosts) => this.#launch(planned, hosts), locks);
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
      await recordSkip(planned, skip, this.plan.artifacts);
    }
  }

  /** Ends the live runs early and waits until they are torn down. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#scheduler.close();
    const live = [...this.#live];
    for (const job of live) job.stop();
    await Promise.allSettled(live.map((job) => job.done));
  }

  /** Before the first launch: a node may still be busy with what a dead session left. */
  async #sweep(): Promise<void> {
    prepareArtifacts(this.plan.artifacts);
    for (const folder of await reapDeadRuns(this.plan.artifacts)) this.#listen({ type: 'reaped', folder });
  }

  async #launch(planned: PlannedCell, hosts: RoleHosts): Promise<CellOutcome> {
    this.#swept ??= this.#sweep();
    await this.#swept;
    // The session may have been stopped meanwhile.
    if (this.#isStopped) return NOT_RUN;
    const request = startRun(planned, hosts, this.plan.artifacts);
    const { folder } = request;
    this.#listen({ type: 'started', planned, folder });
    const job = hostJob(request, (message) => {
      if (message.type !== 'finished') this.#listen({ ...message, planned });
    });
    this.#live.add(job);
    const status = await job.done.finally(() => this.#live.delete(job));
    this.#listen({ type: 'ended', planned, folder, status });
    return { state: 'ran', folder, status };
  }
}
