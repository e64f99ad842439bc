import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { listLive } from '../../../src/evidence/store/live-runs.ts';
import { planSession } from '../../../src/session/plan.ts';
import { frameworks } from '../../../src/session/registry.ts';
import type { ReuseMode } from '../../../src/session/stored/reuse.ts';
import { NodeLocks } from '../../../src/session/node-locks.ts';
import { OwnRuns } from '../../../src/session/own-runs.ts';
import { Session } from '../../../src/session/run.ts';
import { NOT_RUN } from '../../../src/session/scheduler.ts';
import type { SharedBySessions } from '../../../src/session/run.ts';
import type { SessionEvent } from '../../../src/session/events.ts';
import { DEMO_CONFIG } from '../demo-config.ts';
import { sessionOptions } from '../session-options.ts';
import { leaveCompleteRun } from './complete-run.ts';
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

/** Three cells on this machine, and what a session with them tells. */
function threeCells(reuse: ReuseMode, shared?: SharedBySessions) {
  const root = mkdtempSync(join(tmpdir(), 'session-'));
  const planOf = (config: string) => {
    writeFileSync(join(root, 'demo.yaml'), config);
    return planSession(sessionOptions({ root }), frameworks);
  };
  const plan = planOf(DEMO_CONFIG.replace('[1, 2]', '[1, 2, 4]'));
  const events: SessionEvent[] = [];
  const session = new Session(plan, (event) => events.push(event), {
    reuse,
    ...(shared === undefined ? {} : { shared }),
  });
  return {
    plan,
    planOf,
    session,
    told: () =>
      events
        .filter(({ type }) => type !== 'phase')
        .map((event) => ('planned' in event ? `${event.type} ${event.planned.cell.cellId}` : event.type)),
    askAll: () => Promise.all(plan.cells.map(({ cell: { key } }) => session.request(key))),
  };
}

describe('Session with stored runs', () => {
  it('launches exactly the cells that no run stands for, in the order of the requests, and each once', async () => {
    standInForJobHosts({ end: { status: 'passed', isKept: false, isClean: true } });
    const { plan, session, askAll, told } = threeCells('prefer');
    const folder = await leaveCompleteRun(plan, plan.cells[1]!);
    const [first, again] = [await askAll(), await askAll()];
    expect(first).toMatchObject([
      { state: 'ran', status: 'passed' },
      { state: 'reused', status: 'passed', folder },
      { state: 'ran', status: 'passed' },
    ]);
    expect(again).toEqual(first);
    expect(told().filter((text) => !text.startsWith('missed'))).toEqual(
      expect.arrayContaining(['started conc1', 'reused conc2', 'started conc4', 'ended conc4']),
    );
    const started = told().filter((text) => text.startsWith('started'));
    expect(started).toEqual(['started conc1', 'started conc4']);
    await session.stop();
  });

  it('answers with a stored run while the nodes are taken', async () => {
    standInForJobHosts({ end: null });
    const { plan, session, told } = threeCells('prefer');
    await leaveCompleteRun(plan, plan.cells[1]!);
    const [taken, reused] = plan.cells.map(({ cell: { key } }) => key);
    const live = session.request(taken!);
    await expect.poll(told).toContain('started conc1');
    expect(await session.request(reused!)).toMatchObject({ state: 'reused' });
    await session.stop();
    expect(await live).toMatchObject({ state: 'ran', status: 'interrupted' });
  });

  it('launches nothing and leaves nothing where only stored runs are to be judged', async () => {
    standInForJobHosts({ end: { status: 'passed', isKept: false, isClean: true } });
    const { plan, session, askAll, told } = threeCells('only');
    await leaveCompleteRun(plan, plan.cells[0]!);
    expect(await askAll()).toMatchObject([
      { state: 'reused' },
      { state: 'skipped', reason: 'not_cached (no run of this cell, nearest is conc1: params.concurrency: 1 -> 2)' },
      { state: 'skipped' },
    ]);
    expect(told()).toEqual(['reused conc1', 'missed conc2', 'missed conc4']);
    expect(existsSync(join(plan.artifacts, 'demo/conc2'))).toBe(false);
    expect(listLive(plan.artifacts)).toEqual([]);
    await session.stop();
  });

  it('makes no artifact directory to find nothing in it', async () => {
    const { plan, askAll } = threeCells('only');
    await askAll();
    expect(existsSync(plan.artifacts)).toBe(false);
  });

  it('looks for nothing where stored runs do not count, or the session is over', async () => {
    standInForJobHosts({ end: { status: 'passed', isKept: false, isClean: true } });
    const off = threeCells('off');
    await leaveCompleteRun(off.plan, off.plan.cells[0]!);
    expect(await off.askAll()).toMatchObject([{ state: 'ran' }, { state: 'ran' }, { state: 'ran' }]);
    await off.session.stop();
    const stopped = threeCells('only');
    await leaveCompleteRun(stopped.plan, stopped.plan.cells[0]!);
    await stopped.session.stop();
    expect((await stopped.askAll())[0]).toEqual({ state: 'skipped', reason: 'the session ended before its turn' });
  });

  it('tells of a damaged run before it launches', async () => {
    standInForJobHosts({ end: { status: 'passed', isKept: false, isClean: true } });
    const { plan, session, told } = threeCells('prefer');
    const folder = await leaveCompleteRun(plan, plan.cells[0]!);
    rmSync(join(folder, 'config.resolved.yaml'));
    expect(await session.request(plan.cells[0]!.cell.key)).toMatchObject({ state: 'ran' });
    expect(told().slice(0, 2)).toEqual(['damaged conc1', 'missed conc1']);
    await session.stop();
  });
});

describe('Session pass after pass', () => {
  const passed = { status: 'passed', isKept: false, isClean: true } as const;

  it('launches of another plan what is another workload, and nothing twice', async () => {
    standInForJobHosts({ end: passed });
    const { session, planOf, askAll, told } = threeCells('off');
    const before = await askAll();
    session.replan(planOf(DEMO_CONFIG.replace('[1, 2]', '[1, 2, 4, 8]').replace('value: 50', 'value: 51')));
    session.beginPass();
    const wider = await Promise.all(session.plan.cells.map(({ cell: { key } }) => session.request(key)));
    expect(wider.slice(0, 3)).toEqual(before);
    const started = told().filter((text) => text.startsWith('started'));
    expect(started).toEqual(['started conc1', 'started conc2', 'started conc4', 'started conc8']);
    await session.stop();
  });

  it('launches a cell once for two sessions that share their runs', async () => {
    standInForJobHosts({ end: passed });
    const shared = { locks: new NodeLocks(), runs: new OwnRuns() };
    const one = threeCells('off', shared);
    const events: SessionEvent[] = [];
    const other = new Session(one.plan, (event) => events.push(event), { shared });
    const [mine, theirs] = await Promise.all([
      one.askAll(),
      Promise.all(one.plan.cells.map(({ cell: { key } }) => other.request(key))),
    ]);
    expect(theirs).toEqual(mine);
    expect(events).toEqual([]);
    await one.session.stop();
  });

  it('takes up again in the next pass what was cancelled', async () => {
    standInForJobHosts({ end: null });
    const { session, plan, askAll, told } = threeCells('off');
    const pass = askAll();
    await expect.poll(told).toContain('started conc1');
    await session.cancel();
    expect(await pass).toMatchObject([
      { state: 'ran', status: 'interrupted' },
      { state: 'skipped', reason: 'the session ended before its turn' },
      { state: 'skipped' },
    ]);
    expect(listLive(plan.artifacts)).toEqual([]);
    standInForJobHosts({ end: passed });
    session.beginPass();
    expect(await askAll()).toMatchObject([{ status: 'passed' }, { status: 'passed' }, { status: 'passed' }]);
    await session.stop();
  });

  it('launches nothing more of a cancelled pass when a lookup of it ends', async () => {
    standInForJobHosts({ end: passed });
    const { session, askAll, told } = threeCells('prefer');
    const pass = askAll();
    await session.cancel();
    expect(await pass).toEqual(Array.from({ length: 3 }, () => NOT_RUN));
    expect(told().filter((text) => text.startsWith('started'))).toEqual([]);
    session.beginPass();
    expect(await askAll()).toMatchObject([{ status: 'passed' }, { status: 'passed' }, { status: 'passed' }]);
    await session.stop();
  });

  it('launches again in the next pass what somebody has removed', async () => {
    standInForJobHosts({ end: passed });
    const { session, plan, askAll, told } = threeCells('off');
    await askAll();
    rmSync(plan.artifacts, { recursive: true });
    session.beginPass();
    await askAll();
    expect(told().filter((text) => text.startsWith('started'))).toHaveLength(6);
    await session.stop();
  });
});
