import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { listLive, noteLive } from '../../src/evidence/store/live-runs.ts';
import { labelled, LiveSession, runsOf } from './live-session.ts';
import { COMMAND, NODE, ONE_CELL, Project } from './project.ts';

const ENDLESS = ONE_CELL.replace('num_prompts: 8', 'num_prompts: 100000');

const assayIn =
  ({ root }: Project) =>
  async (...args: readonly string[]) => {
    const { stdout, stderr, exitCode } = await execa(NODE, [COMMAND, ...args], {
      cwd: root,
      reject: false,
    });
    return { stdout, stderr, exitCode };
  };

/** A session under load. */
async function startSession() {
  const project = new Project({ 'configs/quick.yaml': ENDLESS });
  const session = new LiveSession(project, '-t', 'ttft_p99');
  await session.shows(' await ');
  const [live] = session.live();
  const { runId = '', folder = '' } = live ?? {};
  return { project, session, runId, folder, assay: assayIn(project) };
}

/** A session that was killed under load together with its job host: its server runs on. */
async function startKilled() {
  const started = await startSession();
  started.session.kill();
  await started.session.ended;
  expect(await labelled(started.runId)).toHaveLength(1);
  return started;
}

describe('assay reap', () => {
  it('ends what a killed session left, gives its run a truthful end, and has nothing to do after that', async () => {
    const { project, runId, folder, assay } = await startKilled();
    expect(await assay('reap')).toEqual({
      stdout: ` ○ ${folder.slice(project.root.length + 1)}  interrupted, 1 process ended\n1 dead run, 0 still running`,
      stderr: '',
      exitCode: 0,
    });
    expect(await labelled(runId)).toEqual([]);
    expect(runsOf(project)).toMatchObject([
      {
        manifest: {
          status: 'interrupted',
          interruption: 'the session and its job host died',
          teardown: { orphans: 1, unconfirmed: [] },
        },
      },
    ]);
    expect(await assay('reap')).toMatchObject({ stdout: '0 dead runs, 0 still running', exitCode: 0 });
    expect((await assay('verify', '--evidence')).stdout).toBe('1 run checked, 0 damaged');
  });

  it('leaves a live session alone, and counts it', async () => {
    const { project, session, runId, folder, assay } = await startSession();
    const [server] = await labelled(runId);
    expect(await assay('reap')).toMatchObject({ stdout: '0 dead runs, 1 still running', exitCode: 0 });
    const { stdout, exitCode } = await assay('reap', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ reaped: [], running: [{ run_id: runId, run: folder }] });
    expect(exitCode).toBe(0);
    expect(await labelled(runId)).toEqual([server]);
    expect(runsOf(project)).toMatchObject([{ manifest: { status: 'running' } }]);
    session.signal('SIGTERM');
    expect(await session.ended).toBe(143);
  });

  it('tells machines the same, of another artifact directory too', async () => {
    const { project, runId, folder } = await startKilled();
    const { stdout, stderr, exitCode } = await assayIn(new Project({}))('reap', join(project.root, 'runs'), '--json');
    expect(JSON.parse(stdout)).toEqual({
      reaped: [{ run_id: runId, run: folder, status: 'interrupted', ended: 1, unconfirmed: [] }],
      running: [],
    });
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
    expect(await labelled(runId)).toEqual([]);
  });

  it('ends a server that serves another run than the one that started it', async () => {
    const sweep = ONE_CELL.replace('num_prompts: 8, ', '').replace('sweep:', 'sweep:\n  num_prompts: [8, 100000]');
    const project = new Project({ 'configs/quick.yaml': sweep });
    const session = new LiveSession(project, '-t', 'ttft_p99');
    await session.shows(/100000\S* +await /);
    session.kill();
    await session.ended;
    const [first] = runsOf(project);
    expect(await labelled(first?.manifest.run_id ?? '')).toHaveLength(1);
    expect((await assayIn(project)('reap')).stdout).toMatch(
      /interrupted, 1 process ended\n1 dead run, 0 still running$/,
    );
    expect(await labelled(first?.manifest.run_id ?? '')).toEqual([]);
    expect(runsOf(project).map(({ manifest }) => manifest.status)).toEqual(['passed', 'interrupted']);
  });

  it('says of which host nobody knows, keeps that in mind, and fails', async () => {
    const { project, runId, assay } = await startKilled();
    const artifacts = join(project.root, 'runs');
    const [note] = listLive(artifacts);
    const address = { host: '127.0.0.1', port: 1, user: null, sshKey: null };
    const on = { ...note!.on, reach: { executor: 'ssh', config: null }, nodes: [{ name: 'far', address, gpus: 0 }] };
    noteLive(artifacts, { ...note!, on });
    const { stdout, exitCode } = await assay('reap');
    expect(stdout).toMatch(/✗ .*far.*\n {5}next: make it reachable, then run assay reap again/);
    expect(exitCode).toBe(1);
    expect(listLive(artifacts)).toMatchObject([{ run_id: runId }]);
    // What the note said before is true again.
    noteLive(artifacts, note!);
    expect((await assay('reap')).exitCode).toBe(0);
  });

  it('explains itself with examples', async () => {
    const { stdout, exitCode } = await assayIn(new Project({}))('reap', '--help');
    expect(stdout).toContain('assay reap /shared/runs     another artifact directory');
    expect(exitCode).toBe(0);
  });

  it('refuses a folder that is not there, and stands by where nothing ever ran', async () => {
    const assay = assayIn(new Project({}));
    expect(await assay('reap', 'nowhere')).toMatchObject({
      stdout: '',
      stderr: expect.stringMatching(/^AssayError: there is no folder \S*nowhere\n {3}next: name an artifact directory/),
      exitCode: 2,
    });
    expect(await assay('reap')).toEqual({
      stdout: '0 dead runs, 0 still running - looked in runs, the default: name another folder behind the command',
      stderr: '',
      exitCode: 0,
    });
  });
});
