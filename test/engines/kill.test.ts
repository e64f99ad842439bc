import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createRandom } from '../../src/adapters/shared/random.ts';
import { dockerMissing, startDocker } from './docker-engine.ts';
import type { DockerEngine } from './docker-engine.ts';
import { importImage } from './image.ts';
import { expectNextRuns, expectNoContainer, expectNoFile, expectNoLock } from './kill-checks.ts';
import { expectNoProcess, expectTruth } from './kill-checks.ts';
import { leftAfter } from './kill-processes.ts';
import { age, containerOf, standIns, Trial } from './kill-trial.ts';
import type { Setting, Surroundings, Victim } from './kill-trial.ts';
import { sshMissing, startSshHosts } from './ssh-hosts.ts';
import type { SshTestHosts } from './ssh-hosts.ts';

// How many sessions are killed, and the seed that decides when; a failure names both.
const KILLS = Number(process.env['ASSAY_KILLS'] ?? 12);
const SEED = Number(process.env['ASSAY_KILLS_SEED'] ?? randomInt(2 ** 31));

// One of so many is in a container: that takes long.
const IN_CONTAINERS = 20;

const IMAGE = 'assay-kill:1';
const ATTEMPT_MS = 180_000;
// A teardown lets every server drain.
const JOB_HOST_MS = 60_000;
const AT_ONCE = 2;
const NEXT_SESSION_EVERY = 5;

/** How much of the life of a session its parts live at the most. */
const LIFE = {
  session: 1,
  both: 0.8,
  'job host': 0.8,
  worker: 0.7,
  server: 0.5,
  dockerd: 1,
} as const satisfies Record<Victim, number>;

const VICTIMS = {
  'session, local': ['both', 'job host', 'session', 'server', 'both', 'job host', 'session', 'both'],
  'vitest, local': ['both', 'worker', 'job host', 'session', 'server'],
  'session, ssh': ['both', 'job host', 'server', 'session', 'both'],
  'session, docker': ['both', 'dockerd', 'job host', 'session', 'server', 'both'],
} as const satisfies Record<Setting, readonly Victim[]>;

const SETTINGS: readonly Setting[] = [
  'session, local',
  'vitest, local',
  'session, local',
  'session, ssh',
  'session, local',
  'vitest, local',
  'session, local',
  'session, ssh',
];

interface Attempt {
  readonly index: number;
  readonly setting: Setting;
  readonly victim: Victim;
  /** When, as a share of the time that the victim lives in a session that nobody kills. */
  readonly share: number;
}

function attempts(): readonly Attempt[] {
  const random = createRandom(SEED, 'kills');
  const inContainers = Math.floor(KILLS / IN_CONTAINERS);
  const counts = new Map<Setting, number>();
  return Array.from({ length: KILLS }, (_, index) => {
    const setting = index < inContainers ? 'session, docker' : (SETTINGS[index % SETTINGS.length] ?? 'session, local');
    const count = counts.get(setting) ?? 0;
    counts.set(setting, count + 1);
    const victims = VICTIMS[setting];
    return { index, setting, victim: victims[count % victims.length] ?? 'both', share: random() };
  });
}

vi.setConfig({ maxConcurrency: AT_ONCE });

const all = attempts();
const hits = new Map<string, number>();
const local: Surroundings = { cluster: null, container: null, env: {} };

/** Somebody else's process, which carries the label of somebody else's run. */
const other = { runId: uuidv7(), process: null as ChildProcess | null };

beforeAll(() => {
  other.process = spawn('sleep', ['3600'], { stdio: 'ignore', env: { ...process.env, ASSAY_RUN_ID: other.runId } });
});
afterAll(() => {
  const { exitCode, signalCode } = other.process ?? {};
  expect([exitCode, signalCode], 'how the process of another run ended').toEqual([null, null]);
  other.process?.kill('SIGKILL');
  const lines = [...hits.keys()].toSorted().map((what) => `${String(hits.get(what)).padStart(5)}  ${what}`);
  process.stdout.write(`\nASSAY_KILLS=${KILLS} ASSAY_KILLS_SEED=${SEED}, victim and moment:\n${lines.join('\n')}\n`);
});

/** How long a session takes that nobody kills; the runs of it are whole. */
async function measure(setting: Setting, surroundings: Surroundings): Promise<number> {
  const trial = await Trial.of(setting, surroundings);
  const startedMs = performance.now();
  await expectNextRuns(trial);
  return performance.now() - startedMs;
}

/** One session, started and cut short, and nothing left of it. */
async function attempt(
  { index, setting, victim, share }: Attempt,
  lifeMs: number,
  { surroundings, docker }: { readonly surroundings: Surroundings; readonly docker?: DockerEngine },
): Promise<void> {
  const trial = await Trial.of(setting, surroundings);
  trial.noteOther(other.runId, other.process?.pid ?? 0);
  const session = trial.start();
  await trial.appearance(victim, session);
  await Promise.race([delay(share * LIFE[victim] * lifeMs), session]);
  const moment = victim === 'dockerd' ? trial.moment() : await trial.kill(victim, session);
  if (victim === 'dockerd') await docker?.kill9();
  const what = `${setting}: ${victim} at ${moment ?? 'no time: it was never there'}`;
  hits.set(what, (hits.get(what) ?? 0) + 1);
  const { all: screen } = await session;
  expect(await leftAfter(JOB_HOST_MS, () => trial.jobHosts()), 'job hosts left').toEqual([]);
  if (victim === 'dockerd') await docker?.restart();
  try {
    await expectClean(trial, { victim, hasNext: index % NEXT_SESSION_EVERY === 0, env: surroundings.env, docker });
  } catch (thrown) {
    process.stdout.write(`\n${index} (${what}) in ${trial.project.root}:\n${screen}\n`);
    throw thrown;
  }
}

interface Aftermath {
  readonly victim: Victim;
  /** Whether the next session cleans up; otherwise `assay reap` does. */
  readonly hasNext: boolean;
  readonly env: Readonly<Record<string, string>>;
  readonly docker: DockerEngine | undefined;
}

async function expectClean(trial: Trial, { victim, hasNext, env, docker }: Aftermath): Promise<void> {
  // A job host that lives cleans up behind whoever else was killed, and a session behind its job host.
  if (victim !== 'both' && victim !== 'dockerd') {
    await expectNoProcess(trial);
    if (docker !== undefined) await expectNoContainer(trial, env);
  }
  age(trial.artifacts);
  if (hasNext) await expectNextRuns(trial);
  const told = JSON.parse(await trial.assay('reap', '--json')) as ReapReport;
  expect(told.running.map(({ run_id: runId }) => runId)).toEqual([other.runId]);
  expect(told.reaped.flatMap(({ unconfirmed }) => unconfirmed)).toEqual([]);
  if (hasNext) expect(told.reaped).toEqual([]);
  await expectNoProcess(trial);
  if (docker !== undefined) await expectNoContainer(trial, env);
  await expectNoLock(trial);
  await expectTruth(trial, victim);
  expectNoFile(trial, { otherRun: other.runId, hasNext });
}

interface ReapReport {
  readonly reaped: readonly { readonly unconfirmed: readonly string[] }[];
  readonly running: readonly { readonly run_id: string }[];
}

const titled = (setting: Setting) =>
  all
    .filter((one) => one.setting === setting)
    .map((one) => ({ ...one, title: `${one.index}: ${one.victim} at ${(100 * one.share).toFixed(1)} %` }));

// Who carries a label only Linux tells.
const isLinux = process.platform === 'linux';
const LOCAL = ['session, local', 'vitest, local'] as const;
describe.skipIf(!isLinux).each(LOCAL)(`a killed %s${isLinux ? '' : ' (skipped: it takes Linux)'}`, (setting) => {
  let lifeMs = 0;
  beforeAll(async () => {
    lifeMs = await measure(setting, local);
  });

  it.concurrent.each(titled(setting))('$title', (one) => attempt(one, lifeMs, { surroundings: local }), ATTEMPT_MS);
});

const noSsh = await sshMissing();
describe.skipIf(noSsh !== null)(`a killed session over ssh${noSsh === null ? '' : ` (skipped: ${noSsh})`}`, () => {
  let hosts: SshTestHosts | undefined;
  let surroundings = local;
  let lifeMs = 0;
  beforeAll(async () => {
    hosts = await startSshHosts(1, { PATH: [standIns, process.env['PATH']].join(delimiter) });
    const cluster = join(tmpdir(), `kill-${process.pid}.cluster.json`);
    const nodes = hosts.nodes.map(({ name, address: { host, user, sshKey } }) => {
      return [name, { ip: host, user, ssh_key: sshKey, labels: ['cpu'] }];
    });
    const pool = { executor: 'ssh', ssh_config: hosts.config, nodes: Object.fromEntries(nodes) };
    writeFileSync(cluster, JSON.stringify(pool));
    surroundings = { ...local, cluster };
    lifeMs = await measure('session, ssh', surroundings);
  });
  afterAll(() => hosts?.close());

  it.concurrent.each(titled('session, ssh'))('$title', (one) => attempt(one, lifeMs, { surroundings }), ATTEMPT_MS);
});

const noDocker = titled('session, docker').length > 0 ? await dockerMissing() : `it takes ASSAY_KILLS=${IN_CONTAINERS}`;
describe.skipIf(noDocker !== null)(
  `a killed session in docker${noDocker === null ? '' : ` (skipped: ${noDocker})`}`,
  () => {
    let docker: DockerEngine;
    let surroundings = local;
    let lifeMs = 0;
    const strangers = new Map<string, string>();
    beforeAll(async () => {
      docker = await startDocker();
      const { env } = docker;
      await importImage('docker', docker, { name: IMAGE, content: 'node' });
      for (const label of ['unlabelled=yes', `assay.run_id=${other.runId}`]) {
        const args = ['run', '--detach', '--network=none', `--label=${label}`, IMAGE, 'sleep', '3600'];
        strangers.set(label, (await execa('docker', args, { env })).stdout);
      }
      surroundings = { cluster: null, container: containerOf(IMAGE), env };
      lifeMs = await measure('session, docker', surroundings);
    }, ATTEMPT_MS);
    afterAll(async () => {
      if (docker === undefined) return;
      const { stdout } = await execa('docker', ['ps', '--quiet', '--no-trunc'], { env: docker.env });
      await docker.close();
      expect(stdout.split('\n').toSorted(), 'containers of others').toEqual([...strangers.values()].toSorted());
    }, ATTEMPT_MS);

    it.each(titled('session, docker'))('$title', (one) => attempt(one, lifeMs, { surroundings, docker }), ATTEMPT_MS);
  },
);
