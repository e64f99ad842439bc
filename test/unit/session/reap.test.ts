import { mkdtempSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it, onTestFinished } from 'vitest';
import { listLive, noteLive } from '../../../src/evidence/live-runs.ts';
import { readManifest } from '../../../src/evidence/run-reader.ts';
import { planSession } from '../../../src/session/plan.ts';
import { JOB_HOST_MARK, reapDeadRuns } from '../../../src/session/reap.ts';
import { frameworks } from '../../../src/session/registry.ts';
import { startRun } from '../../../src/session/start-run.ts';
import { DEMO_CONFIG } from '../demo-config.ts';
import { sessionOptions } from '../session-options.ts';

/** A run that was started, noted as live with this job host. */
function startNoted(jobHost: (runId: string) => { readonly hostname: string; readonly pid: number }) {
  const root = mkdtempSync(join(tmpdir(), 'assay-reap-'));
  writeFileSync(join(root, 'demo.yaml'), DEMO_CONFIG);
  const plan = planSession(sessionOptions({ root }), frameworks);
  const { runId, folder, artifacts } = startRun(plan.cells[0]!, { server: ['localhost'] }, plan.artifacts);
  noteLive(artifacts, { run_id: runId, folder, hosts: ['localhost'], job_host: jobHost(runId) });
  return { artifacts, folder };
}

// The largest process id that Linux gives out is below this.
const NOBODY = 2 ** 30;

describe('reapDeadRuns', () => {
  it('gives a run whose job host is gone a truthful end, once', async () => {
    const { artifacts, folder } = startNoted(() => ({ hostname: hostname(), pid: NOBODY }));
    expect(await reapDeadRuns(artifacts)).toEqual([folder]);
    expect(readManifest(folder)).toMatchObject({
      status: 'interrupted',
      interruption: 'the session and its job host died',
      teardown: { orphans: 0, error: null },
    });
    expect(listLive(artifacts)).toEqual([]);
    expect(await reapDeadRuns(artifacts)).toEqual([]);
  });

  it('is not fooled by another process that got the same id', async () => {
    const { artifacts, folder } = startNoted(() => ({ hostname: hostname(), pid: process.pid }));
    expect(await reapDeadRuns(artifacts)).toEqual([folder]);
  });

  it('leaves alone what a live job host is at work on', async () => {
    let pid = 0;
    const { artifacts, folder } = startNoted((runId) => {
      const child = execa(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
        env: { [JOB_HOST_MARK]: runId },
        reject: false,
      });
      onTestFinished(() => void child.kill('SIGKILL'));
      pid = child.pid ?? 0;
      return { hostname: hostname(), pid };
    });
    expect(await reapDeadRuns(artifacts)).toEqual([]);
    expect(readManifest(folder).status).toBe('running');
  });

  it('leaves alone what another machine started in the same directory', async () => {
    const { artifacts, folder } = startNoted(() => ({ hostname: `not-${hostname()}`, pid: NOBODY }));
    expect(await reapDeadRuns(artifacts)).toEqual([]);
    expect(readManifest(folder).status).toBe('running');
    expect(listLive(artifacts)).toHaveLength(1);
  });
});
