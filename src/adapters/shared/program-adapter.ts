import { WorkloadFailure } from '../../evidence/failure.ts';
import type { RunningProcess } from '../../exec/executor.ts';
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

/** A program that is over. */
interface Ended {
  readonly role: LaunchedRole;
  readonly exit: Exit;
}

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
  /** How workers ended whose every line was heard: what they said last may say more than that they ended. */
  readonly #ends = new Map<RunningProcess, Exit>();
  #workBeganMs = 0;

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
    this.#workBeganMs = performance.now();
    // The first may have much to say until the last is launched.
    const onLaunched = ({ role, host, process }: LaunchedRole): void => {
      for (const line of process.tail(ALL_LINES)) watch.line(line, { role, host });
      process.onLine((line) => watch.line(line, { role, host }));
      this.#noteEnd(process);
    };
    const workers = this.#plan.workers.map((worker) => ({ ...worker, onLaunched }));
    this.#workers = await launchRoles(context, workers, this.#servers);
  }

  #noteEnd(process: RunningProcess): void {
    void process.exited.then((exit) => this.#ends.set(process, exit));
  }

  #failureOf({ process }: LaunchedRole): Exit | null {
    const exit = this.#ends.get(process);
    return exit === undefined || isSuccess(exit) ? null : exit;
  }

  progressPredicate(context: RunContext): ProgressStatus {
    const fallen = firstEnded(this.#servers, ({ process }) => process.exit());
    if (fallen !== undefined) return broken('server_alive', fallen, 'while it was needed');
    if (this.#watch === null) throw new Error('the work has not begun');
    const status = (this.#drive ?? this.#watch).status();
    // What a program printed before it gave up says more than that it did.
    if (status.state === 'broken') return status;
    const failed = firstEnded(this.#workers, (worker) => this.#failureOf(worker));
    if (failed === undefined) return this.#observation?.broken() ?? status;
    if (status.progress.done === 0 && this.#isLaunching(context)) throw neverBegan(failed, status.progress.unit);
    return broken('worker_alive', failed, 'before its work was done');
  }

  /** Programs that are launched alone serve nothing that would tell that they are ready: their first result does. */
  #isLaunching({ request }: RunContext): boolean {
    const { launch } = request.cell.workload.timeouts;
    return this.#plan.servers.length === 0 && performance.now() - this.#workBeganMs <= launch;
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
    const done = Promise.all([...exits, this.#drive?.done]);
    await monitor(context, () => this.progressPredicate(context), { done, servers: this.#servers });
  }

  parse(context: ParseContext): Promise<WorkloadResult> {
    return this.#program.parse(context);
  }
}

/** The first of these that is over in a way that counts, by what `endOf` says of it. */
function firstEnded(roles: readonly LaunchedRole[], endOf: (role: LaunchedRole) => Exit | null): Ended | undefined {
  return roles.flatMap((role) => {
    const exit = endOf(role);
    return exit === null ? [] : [{ role, exit }];
  })[0];
}

function broken(predicate: string, ended: Ended, when: string): ProgressStatus {
  return { state: 'broken', predicate, ...told(ended, when) };
}

function neverBegan(worker: Ended, unit: string): WorkloadFailure {
  const { detail, evidence } = told(worker, `before its first ${unit}`);
  return new WorkloadFailure('setup_failure', detail, evidence);
}

function told(
  { role: { role, host, process }, exit }: Ended,
  when: string,
): { detail: string; evidence: readonly string[] } {
  return { detail: `${role} on ${host} ${describeExit(exit, when)}`, evidence: process.tail(EVIDENCE_LINES) };
}
