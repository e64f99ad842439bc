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
  }

  async launch(context: RunContext): Promise<void> {
    this.#servers = await launchRoles(context, this.#plan.servers);
    if (this.#plan.servers.length === 0) await this.#startWork(context);
  }

  async #startWork(context: RunContext): Promise<void> {
    const watch = this.#program.watch(context.request, (step) => context.writer.events.record('step', { ...step }));
    this.#watch = watch;
    this.#workers = await launchRoles(context, this.#plan.workers, this.#servers);
    for (const { role, host, process } of this.#workers) {
      for (const line of process.tail(ALL_LINES)) watch.line(line, { role, host });
      process.onLine((line) => watch.line(line, { role, host }));
    }
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
      if (this.#plan.servers.length > 0) await this.#startWork(context);
      const signal = AbortSignal.any([context.signal, stop.signal]);
      this.#drive = this.#plan.drive?.(context, this.#servers, signal) ?? null;
      const exits: readonly Promise<unknown>[] = this.#workers.map(({ process }) => process.exited);
      const work = Promise.all([...exits, this.#drive?.done ?? Promise.resolve()]).then(() => undefined);
      await monitor(context, () => this.progressPredicate(), work);
    } catch (thrown) {
      // What a broken workload has left may say why; but a run that must end waits for nothing.
      if (!context.signal.aborted) await fetchResults(context, this.#plan.results).catch(() => undefined);
      throw thrown;
    } finally {
      // A broken predicate ends the watch, not the work.
      stop.abort();
      await this.#observation?.end();
    }
    await fetchResults(context, this.#plan.results);
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
