import { describeExit, isSuccess } from '../../exec/exit.ts';
import type { Exit } from '../../exec/exit.ts';
import type {
  Adapter,
  LaunchedRole,
  ParseContext,
  ProgressStatus,
  ReadyRole,
  RunContext,
  WorkloadResult,
} from '../../lifecycle/adapter.ts';
import { BaseAdapter } from '../../lifecycle/base-adapter.ts';
import { launchRoles } from '../../lifecycle/launch.ts';
import { learnOfEnds } from '../../lifecycle/learn-of-ends.ts';
import { monitor } from '../../lifecycle/monitor.ts';
import { fetchResults } from './fetch-results.ts';
import type { Drive, Observation, Program, ProgramPlan, ProgressWatch } from './program.ts';

const EVIDENCE_LINES = 8;
const ALL_LINES = Number.MAX_SAFE_INTEGER;

/** The adapter of a framework whose work is done by programs that end by themselves. */
export function programAdapter(program: Program): Adapter {
  return new ProgramAdapter(program);
}

class ProgramAdapter extends BaseAdapter {
  readonly #program: Program;
  #plan: ProgramPlan = { servers: [], workers: [], results: [] };
  #servers: readonly ReadyRole[] = [];
  #workers: readonly ReadyRole[] = [];
  #watch: ProgressWatch | null = null;
  #observation: Observation | null = null;
  #drive: Drive | null = null;

  constructor(program: Program) {
    super();
    this.#program = program;
  }

  override async prepare(context: RunContext): Promise<void> {
    this.#plan = this.#program.plan(context.request, await context.scratch());
    // Before the work is done, not after it: a host that is none of the run's is a mistake of the plan.
    for (const { host } of this.#plan.results) context.executor(host);
  }

  async launch(context: RunContext): Promise<void> {
    this.#servers = await launchRoles(context, this.#plan.servers);
    if (this.#plan.servers.length === 0) await this.#startWork(context);
  }

  async #startWork(context: RunContext): Promise<void> {
    const watch = this.#program.watch(context.request, (step) => context.writer.events.record('step', { ...step }));
    this.#watch = watch;
    // The first may have much to say until the last is launched.
    const onLaunched = ({ role, host, process }: LaunchedRole): void => {
      for (const line of process.tail(ALL_LINES)) watch.line(line, { role, host });
      process.onLine((line) => watch.line(line, { role, host }));
    };
    const workers = this.#plan.workers.map((worker) => ({ ...worker, onLaunched }));
    this.#workers = await launchRoles(context, workers, this.#servers);
  }

  progressPredicate(): ProgressStatus {
    const fallen = this.#servers.find(({ process }) => process.exit() !== null);
    if (fallen !== undefined) return broken('server_alive', fallen, 'while it was needed');
    if (this.#watch === null) throw new Error('the work has not begun');
    const status = (this.#drive ?? this.#watch).status();
    // What a program printed before it gave up says more than that it did.
    if (status.state === 'broken') return status;
    const failed = this.#workers.find(({ process }) => isFailed(process.exit()));
    if (failed !== undefined) return broken('worker_alive', failed, 'before its work was done');
    return this.#observation?.broken() ?? status;
  }

  override async awaitCompletion(context: RunContext): Promise<void> {
    this.#observation = (await this.#plan.observe?.(context, this.#servers)) ?? null;
    const stop = new AbortController();
    try {
      await this.#work(context, AbortSignal.any([context.signal, stop.signal]));
    } catch (thrown) {
      // A broken predicate ends the watch, not the work.
      stop.abort();
      // What goes wrong from here on is not what broke the run.
      await this.#observation?.end().catch(() => undefined);
      // What a broken workload has left may say why; but a run that must end waits for nothing.
      if (!context.signal.aborted) await fetchResults(context, this.#plan.results).catch(() => undefined);
      throw thrown;
    }
    await this.#observation?.end();
    await fetchResults(context, this.#plan.results);
  }

  /** Does the work, until it is done or the signal is aborted. */
  async #work(context: RunContext, signal: AbortSignal): Promise<void> {
    if (this.#plan.servers.length > 0) await this.#startWork(context);
    this.#drive = this.#plan.drive?.(context, this.#servers, signal) ?? null;
    const exits: readonly Promise<unknown>[] = this.#workers.map(({ process }) => process.exited);
    const work = Promise.all([...exits, this.#drive?.done]);
    await monitor(context, () => this.progressPredicate(), learnOfEnds(work, this.#servers));
  }

  parse(context: ParseContext): Promise<WorkloadResult> {
    return this.#program.parse(context);
  }
}

function isFailed(exit: Exit | null): boolean {
  return exit !== null && !isSuccess(exit);
}

function broken(predicate: string, { role, host, process }: LaunchedRole, when: string): ProgressStatus {
  const exit = process.exit();
  const detail = `${role} on ${host} ${exit === null ? 'is gone' : describeExit(exit, when)}`;
  return { state: 'broken', predicate, detail, evidence: process.tail(EVIDENCE_LINES) };
}
