import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { noSecrets } from '../../../src/core/scrubber.ts';
import type { Manifest } from '../../../src/evidence/manifest.ts';
import { readOwnManifest, RunWriter } from '../../../src/evidence/run-writer.ts';
import type { Command } from '../../../src/exec/executor.ts';
import { hostsOf } from '../../../src/exec/open-hosts.ts';
import type {
  ParseContext,
  ProgressStatus,
  RunContext,
  RunRequest,
  WorkloadResult,
} from '../../../src/lifecycle/adapter.ts';
import { BaseAdapter } from '../../../src/lifecycle/base-adapter.ts';
import { JobContext } from '../../../src/lifecycle/context.ts';
import type { JobContextOptions } from '../../../src/lifecycle/context.ts';
import { runJob } from '../../../src/lifecycle/job.ts';
import { launchRoles } from '../../../src/lifecycle/launch.ts';

// The tests of other files are not to wait for these.
process.env['ASSAY_LOCK_FOLDER'] = mkdtempSync(join(tmpdir(), 'assay-locks-'));

/** The context of a run in this process, on this machine. */
export function contextOf(request: RunRequest, given: Partial<JobContextOptions> = {}): JobContext {
  return new JobContext({
    request,
    writer: new RunWriter(request.folder, noSecrets),
    abort: new AbortController(),
    report: () => undefined,
    hosts: hostsOf(request.on, request.runId),
    secrets: {},
    scrubber: noSecrets,
    ...given,
  });
}

/** A workload of one server that prints `up`; it measures nothing. */
export class Serving extends BaseAdapter {
  readonly #command: Command;
  readonly #work: (context: RunContext) => Promise<void>;

  constructor(command: Command, work: (context: RunContext) => Promise<void> = async () => undefined) {
    super();
    this.#command = command;
    this.#work = work;
  }

  async launch(context: RunContext): Promise<void> {
    const readiness = { kind: 'log', pattern: /^up$/ } as const;
    await launchRoles(context, [{ role: 'server', after: [], command: () => this.#command, readiness }]);
  }

  progressPredicate(): ProgressStatus {
    return { state: 'done' };
  }

  override awaitCompletion(context: RunContext): Promise<void> {
    return this.#work(context);
  }

  async parse(_context: ParseContext): Promise<WorkloadResult> {
    return { scalars: {}, applied: {}, frameworkVersions: {}, startedAtMs: null, durationMs: null };
  }
}

/** Runs a job that nobody listens to. Its hosts stay open, for whoever made its context to close. */
export function runQuietly(adapter: BaseAdapter, context: JobContext): Promise<Manifest> {
  return runJob(adapter, context, {
    manifest: readOwnManifest(context.request.folder),
    listener: { onPhase: () => undefined, onWait: () => undefined },
  });
}
