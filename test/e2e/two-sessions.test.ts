import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { LiveSession, runsOf, signalProcess } from './live-session.ts';
import { ONE_CELL, Project } from './project.ts';

/** Enough load that the job host is still at it when it is frozen. */
const LONG = ONE_CELL.replace('num_prompts: 8', 'num_prompts: 400');
// One suite file is enough to run a cell.
const SLICE = ['-t', 'ttft_p99'];

/** Two projects, each with an artifact directory of its own, whose sessions share the locks of one machine. */
function twoProjects(more = ''): readonly [Project, Project] {
  const env = { ASSAY_LOCK_FOLDER: mkdtempSync(join(tmpdir(), 'assay-locks-')) };
  const [long, short] = [LONG, ONE_CELL].map((config) => ({ 'configs/quick.yaml': config + more }));
  return [new Project(long ?? {}, env), new Project(short ?? {}, env)];
}

/** Starts the session of a project and freezes its job host under load: it holds its node until it is let go on. */
async function startFrozen(project: Project) {
  const session = new LiveSession(project, ...SLICE);
  await session.shows(' await ');
  const [live] = session.live();
  const jobHost = live?.jobHost ?? 0;
  const letGoOn = (): boolean => signalProcess(jobHost, 'SIGCONT');
  onTestFinished(() => void letGoOn());
  expect(signalProcess(jobHost, 'SIGSTOP')).toBe(true);
  return { session, jobHost, letGoOn };
}

/** When the only run of a project had its nodes. */
function windowOf(project: Project): { readonly start: number; readonly end: number; readonly waitedS: number } {
  const [run, ...others] = runsOf(project);
  expect(others).toEqual([]);
  expect(run?.manifest.status).toBe('passed');
  const { timestamp_start: start = '', timestamp_end: end, waited_s: waitedS } = run?.manifest ?? {};
  return { start: Date.parse(start), end: Date.parse(end ?? ''), waitedS: waitedS ?? Number.NaN };
}

describe('two sessions on one node', () => {
  it('take turns: the second says who holds the node, and waits for it', async () => {
    const [one, other] = twoProjects();
    const first = await startFrozen(one);
    const second = new LiveSession(other, ...SLICE);
    await second.shows(' waiting ');
    expect(second.screen).toContain(`localhost is in use by process ${first.jobHost} on `);
    expect(second.screen).not.toContain(' launch ');
    first.letGoOn();
    expect([await first.session.ended, await second.ended]).toEqual([0, 0]);
    const [before, after] = [windowOf(one), windowOf(other)];
    expect(after.start).toBeGreaterThanOrEqual(before.end);
    expect(after.waitedS).toBeGreaterThan(0);
    expect(first.session.screen).not.toContain(' waiting ');
  });

  it('run side by side where the config shares it', async () => {
    const [one, other] = twoProjects('exclusive: false\n');
    const first = await startFrozen(one);
    const second = new LiveSession(other, ...SLICE);
    expect(await second.ended).toBe(0);
    expect(second.screen).not.toContain(' waiting ');
    first.letGoOn();
    expect(await first.session.ended).toBe(0);
    const [outer, inner] = [windowOf(one), windowOf(other)];
    expect(inner.start).toBeGreaterThan(outer.start);
    expect(inner.end).toBeLessThan(outer.end);
  });

  it("do not stand in each other's way when one is killed together with its job host", async () => {
    const [one, other] = twoProjects();
    const first = await startFrozen(one);
    const second = new LiveSession(other, ...SLICE);
    await second.shows(' waiting ');
    first.session.kill();
    expect(await second.ended).toBe(0);
    expect(windowOf(other).waitedS).toBeGreaterThan(0);
    expect(runsOf(one).map(({ manifest }) => manifest.status)).toEqual(['running']);
  });
});
