import { describeExit } from '../../src/exec/exit.ts';
import type { ParseContext, ProgressStatus, RunContext, WorkloadResult } from '../../src/lifecycle/adapter.ts';
import { BaseAdapter } from '../../src/lifecycle/base-adapter.ts';
import { launchRoles } from '../../src/lifecycle/launch.ts';

/** A server that is ready at once and runs until it is ended. */
export const SERVER = 'echo up; while :; do sleep 0.1; done';

/** A workload that does what it is told: on each host one shell script, and of all one request. */
export class Scripted extends BaseAdapter {
  program = SERVER;
  ttftMs = 20;
  status: (context: RunContext) => ProgressStatus = () => ({ state: 'done' });

  async launch(context: RunContext): Promise<void> {
    const command = { file: '/bin/sh', args: ['-c', this.program] };
    const readiness = { kind: 'log', pattern: /^up$/ } as const;
    await launchRoles(context, [{ role: 'server', after: [], command: () => command, readiness }]);
  }

  progressPredicate(context: RunContext): ProgressStatus {
    return this.status(context);
  }

  async parse({ writer, run }: ParseContext): Promise<WorkloadResult> {
    writer.sample({
      requestId: 'one',
      tsMs: 1_700_000_000_000,
      ttftMs: this.ttftMs,
      tpotMs: 2,
      itlMs: 2,
      e2elMs: 30,
      inputTokens: 8,
      outputTokens: 4,
      role: 'server',
      host: run.hosts[0]?.hostname ?? '',
      ok: true,
      error: null,
      latenessMs: null,
      itlsMs: [2, 2, 2],
    });
    return { scalars: {}, applied: {}, frameworkVersions: {}, startedAtMs: 0, durationMs: 1000 };
  }
}

/** Says how far the work is; every mark but the last one is a sign of life. */
export function working(done: number, mark = Math.random()): ProgressStatus {
  return { state: 'running', mark, progress: { done, total: 100, unit: 'req', rate: '' } };
}

/** Calls the work broken once one of its servers is gone. */
export function untilServerDies({ launched }: RunContext): ProgressStatus {
  for (const { role, host, process } of launched) {
    const exit = process.exit();
    if (exit === null) continue;
    const detail = `${role} on ${host} ${describeExit(exit, 'under load')}`;
    return { state: 'broken', predicate: 'server_alive', detail, evidence: process.tail(8) };
  }
  return working(1);
}
