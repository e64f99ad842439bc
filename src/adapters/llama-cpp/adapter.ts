import { WorkloadFailure } from '../../evidence/failure.ts';
import type { ParseContext, ProgressStatus, RunContext, WorkloadResult } from '../../lifecycle/adapter.ts';
import { BaseAdapter } from '../../lifecycle/base-adapter.ts';
import { launchRoles } from '../../lifecycle/launch.ts';
import type { RolePlan } from '../../lifecycle/launch.ts';
import { monitor } from '../../lifecycle/monitor.ts';
import type { LoadProgress } from '../shared/load-tally.ts';
import { keepServer } from './attachments.ts';
import { scoreHeldOut } from './held-out.ts';
import { planServer, SERVER_ROLE } from './launch.ts';
import { runLoad } from './load.ts';
import { parseLlamaCpp } from './parse.ts';
import { llamaCppProgress } from './progress.ts';
import { readProps } from './props.ts';
import type { Serving } from './props.ts';

/** One llama.cpp server, loaded by our client, then asked to score a held-out text. */
export class LlamaCppAdapter extends BaseAdapter {
  #plan: RolePlan | null = null;
  #serving: Serving | null = null;
  #progress: (() => LoadProgress) | null = null;

  override async prepare(context: RunContext): Promise<void> {
    this.#plan = await planServer(context.request);
  }

  async launch(context: RunContext): Promise<void> {
    const [launched] = await launchRoles(context, [done(this.#plan, 'prepare')]);
    if (launched === undefined || launched.url === null) {
      throw new WorkloadFailure('setup_failure', `the topology has no role "${SERVER_ROLE}" - add it`);
    }
    const props = await readProps(launched.url);
    keepServer(context.writer, props);
    this.#serving = { launched, baseUrl: launched.url, props };
  }

  progressPredicate(): ProgressStatus {
    return llamaCppProgress(done(this.#serving, 'launch'), done(this.#progress, 'the load')());
  }

  override async awaitCompletion(context: RunContext): Promise<void> {
    const serving = done(this.#serving, 'launch');
    const stop = new AbortController();
    const signal = AbortSignal.any([context.signal, stop.signal]);
    const load = runLoad(context, serving, signal);
    this.#progress = load.progress;
    const work = load.done.then(async () => {
      // Nothing to ask of a server that died under load; the monitor says so.
      if (this.progressPredicate().state === 'broken') return;
      signal.throwIfAborted();
      await scoreHeldOut(context, serving, signal);
    });
    const server = { ...serving.launched, url: serving.baseUrl };
    try {
      await monitor(context, () => this.progressPredicate(), { done: work, servers: [server] });
    } finally {
      // A broken predicate ends the watch, not the load.
      stop.abort();
    }
  }

  parse(context: ParseContext): Promise<WorkloadResult> {
    return parseLlamaCpp(context);
  }
}

// The job driver calls the phases in order; a step that is not there yet is a bug.
function done<Value>(value: Value | null, step: string): Value {
  if (value === null) throw new Error(`${step} has not happened yet`);
  return value;
}
