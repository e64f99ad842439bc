import { mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it, onTestFinished } from 'vitest';
import { markInterrupted } from '../../../src/evidence/interrupted.ts';
import { claimLive, jobHostOutput, listLive, noteLive } from '../../../src/evidence/store/live-runs.ts';
import type { LiveRun } from '../../../src/evidence/store/live-runs.ts';
import { checkEvidence, readManifest } from '../../../src/evidence/run-reader.ts';
import { processStart } from '../../../src/core/process-start.ts';
import { ownHolder, reapDeadRuns, reapRun } from '../../../src/session/reap.ts';
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

  it('adds the last words of a job host to the run it died with, and to none that had ended and is hashed', async () => {
    const [live, ended] = [startNoted(nobody), startNoted(nobody)];
    for (const { artifacts, runId } of [live, ended]) {
      const [note] = listLive(artifacts);
      const output = jobHostOutput(artifacts, runId);
      writeFileSync(output, 'out of memory\n');
      noteLive(artifacts, { ...note!, output });
    }
    await markInterrupted(ended.folder, { reason: 'it was told to', orphans: 0, unconfirmed: [] });
    await Promise.all([live, ended].map(({ artifacts }) => reapDeadRuns(artifacts)));
    expect(readFileSync(join(live.folder, 'logs/stderr.log'), 'utf8')).toBe('out of memory\n');
    await Promise.all(
      [live, ended].map(({ folder }) => checkEvidence(folder, readManifest(folder), { hashes: 'all' })),
    );
    expect([live, ended].flatMap(({ artifacts }) => readdirSync(join(artifacts, '.live')))).toEqual([]);
  });

  it('removes what killed sessions left beside their notes, and nothing of a live one', async () => {
    const here = { hostname: hostname(), pid: process.pid, started: processStart(process.pid) };
    const { artifacts, runId } = startNoted(here);
    const live = join(artifacts, '.live');
    const longAgo = new Date(Date.now() - 3_600_000);
    for (const name of [`${runId}.out`, 'dead.out', 'new.json.1.tmp', 'old.json.1.tmp'])
      writeFileSync(join(live, name), '');
    utimesSync(join(live, 'old.json.1.tmp'), longAgo, longAgo);
    await reapDeadRuns(artifacts);
    expect(readdirSync(live).toSorted()).toEqual([`${runId}.json`, `${runId}.out`, 'new.json.1.tmp'].toSorted());
  });

  it('is not kept from its work by what cannot be removed', async () => {
    const { artifacts, runId } = startNoted(nobody);
    const path = join(artifacts, '.live', 'folder.tmp');
    mkdirSync(path);
    const longAgo = new Date(Date.now() - 3_600_000);
    utimesSync(path, longAgo, longAgo);
    expect(await reapDeadRuns(artifacts)).toMatchObject([{ runId }]);
  });

  it('cleans up once behind a run, however many do it at the same time', async () => {
    const { artifacts, runId } = startNoted(nobody);
    const all = await Promise.all([reapDeadRuns(artifacts), reapDeadRuns(artifacts)]);
    expect(all.flat()).toMatchObject([{ runId }]);
  });

  it('leaves alone what another cleans up, and does it when that one died', async () => {
    const { artifacts, runId, folder } = startNoted(nobody);
    const claim = claimLive(artifacts, runId, ownHolder());
    expect([await reapDeadRuns(artifacts), listLive(artifacts)]).toEqual([[], []]);
    expect(readManifest(folder).status).toBe('running');
    claim?.giveBack();
    expect(claimLive(artifacts, runId, nobody)).not.toBeNull();
    expect(await reapDeadRuns(artifacts)).toMatchObject([{ runId, status: 'interrupted' }]);
    expect(readdirSync(join(artifacts, '.live'))).toEqual([]);
  });

  it('gives a note back as long as something may be left', async () => {
    const { artifacts, runId } = startNoted(nobody);
    const [note] = listLive(artifacts);
    noteLive(artifacts, { ...note!, on: { ...note!.on, reach: { executor: 'none' } } });
    expect(await reapDeadRuns(artifacts)).toMatchObject([{ unconfirmed: [expect.any(String)] }]);
    expect(listLive(artifacts)).toMatchObject([{ run_id: runId }]);
  });

  it('leaves alone what another machine started in the same directory', async () => {
    const { artifacts, folder } = startNoted({ ...nobody, hostname: `not-${hostname()}` });
    expect(await reapDeadRuns(artifacts)).toEqual([]);
    expect(readManifest(folder).status).toBe('running');
    expect(listLive(artifacts)).toHaveLength(1);
  });
});

describe('reapRun', () => {
  it('waits for another who cleans up behind the same run', async () => {
    const { artifacts, runId, folder } = startNoted(ownHolder());
    const [note] = listLive(artifacts);
    const claim = claimLive(artifacts, runId, ownHolder());
    const reaped = reapRun(artifacts, note!, 'its job host died');
    await markInterrupted(folder, { reason: 'the other was first', orphans: 0, unconfirmed: [] });
    claim?.forget();
    expect(await reaped).toEqual({ status: 'interrupted', isKept: false, isClean: true });
    expect(readManifest(folder).interruption).toBe('the other was first');
  });
});
