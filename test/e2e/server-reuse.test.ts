import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { listLive } from '../../src/evidence/store/live-runs.ts';
import { checkEvidence } from '../../src/evidence/run-reader.ts';
import { labelled, LiveSession, runsOf, signalProcess } from './live-session.ts';
import { ONE_CELL, Project } from './project.ts';
import type { SessionResult } from './project.ts';

/** One cell for each value of an axis. */
const sweepOf = (axis: string): string => ONE_CELL.replace('concurrency: [2]', `concurrency: [2]\n  ${axis}`);
const SAME_SERVER = ONE_CELL.replace('[2]', '[1, 2, 4]');
/** A first cell that is over soon and one that runs until it is ended, or the other way round. */
const promptsOf = (counts: string): string => sweepOf(`num_prompts: ${counts}`).replace('num_prompts: 8, ', '');

const logOf = (folder: string): string => readFileSync(join(folder, 'logs/server.localhost.log'), 'utf8');
const serversOf = (project: Project) =>
  runsOf(project).map(({ manifest }) => {
    const [server] = manifest.launches;
    return { pid: server?.pid ?? 0, reusedFrom: server?.reused_from, isKept: manifest.teardown?.kept };
  });

/** No process of any of the runs is there any more, and nobody answers for one. */
async function expectNothingLeft(project: Project): Promise<void> {
  for (const { manifest } of runsOf(project)) expect(await labelled(manifest.run_id)).toEqual([]);
  for (const { pid } of serversOf(project)) expect(signalProcess(pid, 0)).toBe(false);
  expect(listLive(join(project.root, 'runs'))).toEqual([]);
}

async function expectIntact(project: Project): Promise<void> {
  for (const { folder, manifest } of runsOf(project)) await checkEvidence(folder, manifest, { hashes: 'all' });
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((listening) => probe.listen(0, '127.0.0.1', listening));
  const { port } = probe.address() as AddressInfo;
  await new Promise((closed) => probe.close(closed));
  return port;
}

describe('cells that launch the same server', () => {
  let project: Project;
  let result: SessionResult;
  beforeAll(async () => {
    project = new Project({ 'configs/quick.yaml': SAME_SERVER });
    result = await project.run();
  });

  it('are served by one process, and say which run started it', () => {
    const [first, ...others] = runsOf(project);
    const [server] = serversOf(project);
    expect(runsOf(project).map(({ manifest }) => manifest.status)).toEqual(['passed', 'passed', 'passed']);
    expect(serversOf(project)).toEqual([
      { pid: server?.pid, reusedFrom: null, isKept: true },
      { pid: server?.pid, reusedFrom: first?.manifest.run_id, isKept: true },
      { pid: server?.pid, reusedFrom: first?.manifest.run_id, isKept: false },
    ]);
    expect(others).toHaveLength(2);
    expect(result.screen).toContain('3 launched (2 on a server that ran already)');
  });

  it('have each the log of their own time alone', () => {
    const logs = runsOf(project).map(({ folder }) => logOf(folder));
    expect(logs.map((log) => log.includes('loading'))).toEqual([true, false, false]);
    expect(logs.map((log) => log.includes('SIGTERM'))).toEqual([false, false, true]);
  });

  it('have each the state of the host before and after, and evidence that stays as it was hashed', async () => {
    for (const { manifest } of runsOf(project)) {
      expect(Object.keys(manifest.sidecars)).toEqual(
        expect.arrayContaining([
          'logs/dmesg.localhost.pre.txt',
          'logs/dmesg.localhost.post.txt',
          'logs/gpu_state.localhost.pre.json',
          'logs/gpu_state.localhost.post.json',
          'logs/server.localhost.log',
        ]),
      );
    }
    await expectIntact(project);
  });

  it('leave nothing behind, and every claim about that holds', async () => {
    const orphans = result.tests.filter(({ fullName }) => fullName.startsWith('no_orphans'));
    expect(orphans.map(({ status }) => status)).toEqual(['passed', 'passed', 'passed']);
    await expectNothingLeft(project);
  });
});

describe('a server is started anew', () => {
  it('for a cell that launches another one, when the old one has given back its port', async () => {
    const config = sweepOf('parallel_slots: [1, 2]').replace(
      'num_prompts: 8',
      `num_prompts: 8, port: ${await freePort()}`,
    );
    const project = new Project({ 'configs/quick.yaml': config });
    await project.run('-t', 'ttft_p99');
    const [one, two] = serversOf(project);
    expect(runsOf(project).map(({ manifest }) => manifest.status)).toEqual(['passed', 'passed']);
    expect([one, two]).toMatchObject([
      { reusedFrom: null, isKept: true },
      { reusedFrom: null, isKept: false },
    ]);
    expect(one?.pid).not.toBe(two?.pid);
    // What the first one said when it was ended belongs to no run.
    await expectIntact(project);
    await expectNothingLeft(project);
  });

  it('for every cell of a config that forbids anything else', async () => {
    const project = new Project({
      'configs/quick.yaml': `${SAME_SERVER.replace('[1, 2, 4]', '[1, 2]')}reuse_server: false\n`,
    });
    const { screen } = await project.run('-t', 'ttft_p99');
    const servers = serversOf(project);
    expect(servers.map(({ reusedFrom, isKept }) => ({ reusedFrom, isKept }))).toEqual([
      { reusedFrom: null, isKept: false },
      { reusedFrom: null, isKept: false },
    ]);
    expect(new Set(servers.map(({ pid }) => pid)).size).toBe(2);
    expect(screen).toContain('2 launched · ');
  });

  it('after a run that failed', async () => {
    const project = new Project({ 'configs/quick.yaml': promptsOf('[100000, 8]') });
    const session = new LiveSession(project, '-t', 'ttft_p99');
    await session.shows(' await ');
    for (const { runId } of session.live()) for (const pid of await labelled(runId)) signalProcess(pid, 'SIGKILL');
    expect(await session.ended).toBe(1);
    expect(runsOf(project).map(({ manifest }) => manifest.status)).toEqual(['failed_safety', 'passed']);
    expect(serversOf(project)).toMatchObject([{ isKept: false }, { reusedFrom: null }]);
    await expectIntact(project);
    await expectNothingLeft(project);
  });
});

describe('kill -9 of Vitest leaves nothing', () => {
  const expectGone = async (project: Project, jobHost: number): Promise<void> => {
    await expect.poll(() => signalProcess(jobHost, 0), { timeout: 30_000, interval: 50 }).toBe(false);
    for (const { manifest } of runsOf(project)) expect(await labelled(manifest.run_id)).toEqual([]);
  };

  it('while a server serves a run that did not start it', async () => {
    const project = new Project({ 'configs/quick.yaml': promptsOf('[8, 100000]') });
    const session = new LiveSession(project, '-t', 'ttft_p99');
    await session.shows(/100000\S* +await /);
    const [first] = runsOf(project);
    expect(await labelled(first?.manifest.run_id ?? '')).not.toEqual([]);
    const [live] = session.live();
    session.signal('SIGKILL');
    await expectGone(project, live?.jobHost ?? 0);
    expect(runsOf(project).map(({ manifest }) => manifest.status)).toEqual(['passed', 'interrupted']);
    expect(serversOf(project)[1]?.reusedFrom).toBe(first?.manifest.run_id);
    await expectIntact(project);
  });

  it('while a server waits to hear whether it is still needed', async () => {
    const project = new Project({ 'configs/quick.yaml': promptsOf('[64, 100000]') });
    const session = new LiveSession(project, '-t', 'ttft_p99');
    await session.shows(' await ');
    // A frozen session does not answer.
    session.signal('SIGSTOP');
    const [live] = session.live();
    const events = join(live?.folder ?? '', 'events.jsonl');
    await expect
      .poll(() => existsSync(events) && readFileSync(events, 'utf8'), { timeout: 30_000, interval: 50 })
      .toContain('teardown.start');
    expect(await labelled(live?.runId ?? '')).not.toEqual([]);
    session.signal('SIGKILL');
    await expectGone(project, live?.jobHost ?? 0);
    expect(runsOf(project).map(({ manifest }) => [manifest.status, manifest.teardown?.kept])).toEqual([
      ['passed', false],
    ]);
    await expectIntact(project);
  });
});
