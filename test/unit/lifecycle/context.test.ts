import { describe, expect, it } from 'vitest';
import type { Executor } from '../../../src/exec/executor.ts';
import type { Hosts } from '../../../src/exec/hosts.ts';
import { localExecutor } from '../../../src/exec/local.ts';
import { hostsOf } from '../../../src/exec/open-hosts.ts';
import { DEMO_CONFIG } from '../demo-config.ts';
import { startedRun } from '../started-run.ts';
import { contextOf, runQuietly, Serving } from './job-bench.ts';

const FATAL = 'GGML_ASSERT(n > 0) failed';

/** Hosts whose processes are handed over late, as those in containers are: they have printed something by then. */
function slowToHandOver(hosts: Hosts, line: string): Hosts {
  const local = localExecutor('localhost');
  const start: Executor['start'] = async (command, options) => {
    const started = await local.start(command, options);
    await expect.poll(() => started.tail(9)).toContain(line);
    return started;
  };
  return { ...hosts, executor: () => ({ ...local, start }) };
}

describe('a role that was handed over late', () => {
  it('is judged by what it had printed by then', async () => {
    const request = startedRun(`${DEMO_CONFIG}timeouts: {launch: 20s, inactivity: 20s, total: 30s}\n`);
    const hosts = slowToHandOver(hostsOf(request.on, request.runId), FATAL);
    const program = `console.log(${JSON.stringify(FATAL)}); setInterval(() => {}, 1000)`;
    const context = contextOf(request, { hosts });
    const manifest = await runQuietly(new Serving({ file: process.execPath, args: ['-e', program] }), context);
    await context.hosts.close();
    expect(manifest).toMatchObject({
      status: 'failed_pattern',
      failure: { category: 'failure_pattern_matched', evidence: [FATAL] },
      teardown: { orphans: 0, error: null },
    });
  });
});
