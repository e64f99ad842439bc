import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { listLive } from '../../../src/evidence/live-runs.ts';
import { planSession } from '../../../src/session/plan.ts';
import { frameworks } from '../../../src/session/registry.ts';
import { Session } from '../../../src/session/run.ts';
import { DEMO_CONFIG } from '../demo-config.ts';
import { sessionOptions } from '../session-options.ts';
import { standInForJobHosts, standInForSlurm } from './stand-in-job-host.ts';

/** Two cells that need the same allocation, one after the other. */
function planOnSlurm() {
  const root = mkdtempSync(join(tmpdir(), 'session-'));
  writeFileSync(join(root, 'demo.yaml'), `${DEMO_CONFIG}reuse_server: false\n`);
  writeFileSync(join(root, 'slurm.cluster.yaml'), 'executor: slurm\nnodes: {n1: {labels: [cpu]}}\n');
  return planSession(sessionOptions({ root, cluster: 'slurm.cluster.yaml' }), frameworks);
}

describe('Session on Slurm', () => {
  it('ends a cell that is stopped while Slurm is asked for its place in the queue', async () => {
    standInForJobHosts({ end: null });
    const { folder } = standInForSlurm('while [ ! -e answer ]; do sleep 0.02; done');
    const { cells, ...plan } = planOnSlurm();
    const session = new Session({ cells, ...plan }, () => undefined);
    const outcomes = cells.map(({ cell: { key } }) => session.request(key));
    await expect.poll(() => existsSync(join(folder, 'asked'))).toBe(true);
    const stopped = session.stop();
    writeFileSync(join(folder, 'answer'), '');
    await stopped;
    expect(await Promise.all(outcomes)).toMatchObject([
      { state: 'ran', status: 'interrupted' },
      { state: 'skipped', reason: 'the session ended before its turn' },
    ]);
    expect(listLive(plan.artifacts)).toEqual([]);
  });

  it('keeps a run noted while places are left that no run took', async () => {
    standInForJobHosts({ end: { status: 'passed', isKept: false, isClean: true } });
    standInForSlurm();
    const { cells, ...plan } = planOnSlurm();
    const noted: (readonly number[])[] = [];
    const session = new Session({ cells, ...plan }, ({ type }) => {
      if (type === 'ended') noted.push(listLive(plan.artifacts).map(({ holder }) => holder.pid));
    });
    await Promise.all(cells.map(({ cell: { key } }) => session.request(key)));
    expect(noted).toEqual([[process.pid], []]);
    await session.stop();
    expect(listLive(plan.artifacts)).toEqual([]);
  });
});
