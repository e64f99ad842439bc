import type { Phase, Status } from '../evidence/failure.ts';
import { prepareArtifacts } from '../evidence/run-folder.ts';
import type { Progress } from '../lifecycle/adapter.ts';
import { hostJob } from './job-client.ts';
import type { HostedJob } from './job-client.ts';
import type { PlannedCell, SessionPlan } from './plan.ts';
import { reapDeadRuns } from './reap.ts';
import { Scheduler } from './scheduler.ts';
import type { CellOutcome } from './scheduler.ts';
import { startRun } from './start-run.ts';

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
  #swept: Promise<void> | null = null;

  constructor(plan: SessionPlan, listen: (event: SessionEvent) => void) {
    this.plan = plan;
    this.#listen = listen;
    this.#scheduler = new Scheduler(plan.cells, (planned) => this.#launch(planned));
  }

  /** Launches a cell unless this session did already, and waits for its end. */
  request(key: string): Promise<CellOutcome> {
    return this.#scheduler.request(key);
  }

  /** Cells that wait for a node. */
  waiting(): readonly PlannedCell[] {
    return this.#scheduler.waiting();
  }

  /** Ends the live runs early and waits until they are torn down. */
  async stop(): Promise<void> {
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

  async #launch(planned: PlannedCell): Promise<CellOutcome> {
    const { binding } = planned;
    if (binding.state === 'unbound') return { state: 'skipped', reason: binding.detail };
    this.#swept ??= this.#sweep();
    await this.#swept;
    const request = startRun(planned, binding.hosts, this.plan.artifacts);
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
