import { rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it, onTestFinished } from 'vitest';
import { listLive, noteLive } from '../../../src/evidence/live-runs.ts';
import type { LiveRun } from '../../../src/evidence/live-runs.ts';
import { readManifest } from '../../../src/evidence/run-reader.ts';
import { processStart } from '../../../src/exec/process-start.ts';
import { reapDeadRuns } from '../../../src/session/reap.ts';
import { startedRun } from '../started-run.ts';

/** A run that was started, noted as live with this process to answer for it. */
function startNoted(holder: LiveRun['holder']) {
  const { runId, folder, artifacts, on } = startedRun();
  noteLive(artifacts, { run_id: runId, labels: [runId], folder, on: { ...on }, holder, output: null, secrets: {} });
  return { artifacts, folder, runId };
}

// The largest process id that Linux gives out is below this.
const NOBODY = 2 ** 30;

describe('reapDeadRuns', () => {
  const nobody = { hostname: hostname(), pid: NOBODY, started: '1' };

  it('gives a run whose job host is gone a truthful end, once', async () => {
    const { artifacts, folder, runId } = startNoted(nobody);
    expect(await reapDeadRuns(artifacts)).toEqual([
      { runId, folder, status: 'interrupted', ended: 0, unconfirmed: [] },
    ]);
    expect(readManifest(folder)).toMatchObject({
      status: 'interrupted',
      interruption: 'the session and its job host died',
      teardown: { orphans: 0, error: null },
    });
    expect(listLive(artifacts)).toEqual([]);
    expect(await reapDeadRuns(artifacts)).toEqual([]);
  });

  it('ends what the dead run left running', async () => {
    const { artifacts, runId } = startNoted(nobody);
    const child = execa('sleep', ['60'], { env: { ASSAY_RUN_ID: runId }, reject: false });
    expect(await reapDeadRuns(artifacts)).toMatchObject([{ ended: 1 }]);
    expect((await child).signal).toBe('SIGKILL');
  });

  it('is not fooled by another process that got the same id', async () => {
    const { artifacts, folder } = startNoted({ ...nobody, pid: process.pid });
    expect(await reapDeadRuns(artifacts)).toMatchObject([{ folder }]);
  });

  it('leaves alone what a live process answers for', async () => {
    const child = execa(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { reject: false });
    onTestFinished(() => void child.kill('SIGKILL'));
    const pid = child.pid ?? 0;
    const { artifacts, folder } = startNoted({ hostname: hostname(), pid, started: processStart(pid) });
    expect(await reapDeadRuns(artifacts)).toEqual([]);
    expect(readManifest(folder).status).toBe('running');
  });

  it('removes the folder of a run that died before its first manifest', async () => {
    const { artifacts, folder } = startNoted(nobody);
    rmSync(join(folder, 'manifest.json'));
    expect(await reapDeadRuns(artifacts)).toMatchObject([{ folder, status: null }]);
    expect(() => readManifest(folder)).toThrow(/is missing|no such|cannot/);
    expect(listLive(artifacts)).toEqual([]);
  });

  it('leaves alone what another machine started in the same directory', async () => {
    const { artifacts, folder } = startNoted({ ...nobody, hostname: `not-${hostname()}` });
    expect(await reapDeadRuns(artifacts)).toEqual([]);
    expect(readManifest(folder).status).toBe('running');
    expect(listLive(artifacts)).toHaveLength(1);
  });
});
