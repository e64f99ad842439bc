import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { sentenceOf } from '../core/errors.ts';
import { formatDuration } from '../core/units.ts';
import { isSuccess } from '../exec/exit.ts';
import { RUN_FILES } from '../evidence/run-folder.ts';
import type { HostState } from './host-state.ts';
import { Interruption } from './interruption.ts';
import type { JobParts } from './job.ts';
import { removeOrphans } from './orphans.ts';

// How long the work of a phase may take to notice that its run was aborted.
const ABANDONED_MS = 10_000;

interface Ending {
  readonly hostState: HostState;
  /** What ended the run before its time; null when nothing did. */
  readonly cause: unknown;
  /** Settles with the work of the last phase, which an abort does not wait for; never rejects. */
  readonly working: Promise<unknown>;
}

/**
 * Ends a run, whatever became of it: stops its roles, writes down the state of its hosts, and
 * removes what still carries its label. What fails here stands beside the first cause, never instead of it.
 */
export async function tearDown(parts: JobParts, ending: Ending): Promise<void> {
  await new Teardown(parts, ending).run();
}

class Teardown {
  readonly #parts: JobParts;
  readonly #ending: Ending;
  /** What went wrong beside the cause, each once. */
  readonly #errors = new Set<string>();
  /** Whether nothing of the run is at work any more. */
  #isSettled = false;

  constructor(parts: JobParts, ending: Ending) {
    this.#parts = parts;
    this.#ending = ending;
  }

  async run(): Promise<void> {
    const { context, record, listener } = this.#parts;
    const { events } = context.writer;
    listener.onPhase('teardown');
    record.startPhase('teardown');
    await this.#attempt(() => events.record('teardown.start', { log_bytes: this.#logBytes() }));
    await this.#attempt(() => this.#noteInterruption());
    await this.#attempt(() => this.#ending.hostState.unwatch());
    await this.#attempt(() => record.setUsage(context.launched));
    record.setWarnings(context.warnings);
    const launched = [...context.launched];
    context.end();
    const kept = (await this.#attempt(() => this.#keepServers())) ?? false;
    await this.#attempt(() => this.#parts.adapter.teardown(context));
    // Its roles are gone, so what waited for them ends.
    await this.#attempt(() => this.#settled());
    const left = await this.#cleanHosts();
    await this.#attempt(() => context.writer.closeTables());
    this.#noteLateErrors(launched);
    const outcome = this.#errors.size === 0 ? 'ok' : 'failed';
    record.setTeardown({
      ...left,
      kept,
      error: this.#errors.size === 0 ? null : [...this.#errors].join('; '),
    });
    const end = { phase_duration_s: record.endPhase(outcome), status: outcome } as const;
    await this.#attempt(() => events.record('teardown.done', end));
    await this.#attempt(() => events.close());
  }

  /** What a role says while it is stopped is not of the run, also not for whoever searches its log later. */
  #logBytes(): Readonly<Record<string, number>> {
    const { launched, request } = this.#parts.context;
    const logs = launched.map(({ role, host }) => {
      const path = join(request.folder, RUN_FILES.logs, `${role}.${host}.log`);
      return [`${role}.${host}`, statSync(path, { throwIfNoEntry: false })?.size ?? 0] as const;
    });
    return Object.fromEntries(logs);
  }

  #noteInterruption(): void {
    const { cause } = this.#ending;
    if (!(cause instanceof Interruption)) return;
    this.#parts.context.writer.events.record('attempt.interrupted', { reason: cause.message });
  }

  /** Keeps the roles of a run that came to its end, where a later cell may want them; answers whether it did. */
  async #keepServers(): Promise<boolean> {
    const { context } = this.#parts;
    const isWhole = this.#ending.cause === null || this.#parts.record.manifest.status === 'failed_verification';
    const ends = context.launched.map(({ process }) => process.exit());
    // A program that has done its work is over, and no server to keep.
    const areAlive = ends.includes(null) && ends.every((end) => end === null || isSuccess(end));
    const { reuse_server: isAllowed } = context.request.cell.workload;
    // Aborted when no phase was left to fail, its server may be broken all the same.
    if (!isAllowed || !isWhole || !areAlive || context.signal.aborted || !(await context.maySucceed())) return false;
    await context.keepServers();
    return true;
  }

  async #cleanHosts(): Promise<{ readonly orphans: number | null; readonly unconfirmed: string[] }> {
    const { context } = this.#parts;
    if (!context.hosts.isOpen()) return this.#withoutHosts();
    await this.#attempt(() => this.#ending.hostState.snapshot('post'));
    const left = await this.#attempt(() => removeOrphans(context));
    for (const reason of left?.unconfirmed ?? []) this.#errors.add(reason);
    await this.#attempt(() => context.removeScratch());
    return { orphans: left?.count ?? null, unconfirmed: [...(left?.unconfirmed ?? context.hostNames())] };
  }

  /** Nothing was ever started where the hosts were not to be had; but they may still be asked for. */
  #withoutHosts(): { readonly orphans: number | null; readonly unconfirmed: string[] } {
    if (this.#isSettled) return { orphans: 0, unconfirmed: [] };
    const hosts = this.#parts.context.hostNames();
    return {
      orphans: null,
      unconfirmed: hosts.map((host) => `${host}: nobody knows whether it was still being asked for`),
    };
  }

  /** Does one step; what it throws is noted and keeps no other step from being done. */
  async #attempt<T>(step: () => T): Promise<Awaited<T> | undefined> {
    try {
      return await step();
    } catch (thrown) {
      this.#note(thrown);
      return undefined;
    }
  }

  #note(thrown: unknown): void {
    if (thrown !== this.#ending.cause) this.#errors.add(sentenceOf(thrown));
  }

  /** Waits until nothing that an abort left behind can write into the run any more. */
  async #settled(): Promise<void> {
    const timeout = new AbortController();
    const tooLate = delay(ABANDONED_MS, 'too late', { signal: timeout.signal }).catch(() => undefined);
    const first = await Promise.race([this.#ending.working.then(() => 'over'), tooLate]);
    timeout.abort();
    this.#isSettled = first === 'over';
    if (this.#isSettled) return;
    throw new Error(`work of the aborted run went on for ${formatDuration(ABANDONED_MS)}`);
  }

  #noteLateErrors(launched: JobParts['context']['launched']): void {
    for (const { role, host, process } of launched) {
      const error = process.logError();
      if (error !== null) this.#errors.add(`the log of ${role}.${host} is not whole: ${error.message}`);
    }
    // An abort that came when no phase was left to end.
    const { signal } = this.#parts.context;
    if (signal.aborted && !(signal.reason instanceof Interruption)) this.#note(signal.reason);
  }
}
