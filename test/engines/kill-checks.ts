import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { execa } from 'execa';
import { expect } from 'vitest';
import type { Status } from '../../src/evidence/failure.ts';
import { checkEvidence, readEvents, readManifest } from '../../src/evidence/run-reader.ts';
import { leftAfter } from './kill-processes.ts';
import { filesIn } from './kill-trial.ts';
import type { Trial, Victim } from './kill-trial.ts';

// What asks whether a lock is free may itself be the last to hear that its holder is gone.
const SETTLE_MS = 20_000;

/** What a run may honestly end as, by who was killed. */
const ENDS: Readonly<Record<Victim, readonly Status[]>> = {
  session: ['passed', 'interrupted'],
  'job host': ['passed', 'interrupted'],
  both: ['passed', 'interrupted'],
  worker: ['passed', 'interrupted'],
  server: ['passed', 'failed_setup', 'failed_safety'],
  dockerd: ['passed', 'failed_setup', 'failed_safety', 'interrupted'],
};

/** No process of the trial runs any more, here or on a host. */
export async function expectNoProcess(trial: Trial): Promise<void> {
  const left = await leftAfter(SETTLE_MS, () => trial.processes());
  expect(
    left.map(({ pid, argv }) => `${pid} ${argv.join(' ').slice(0, 200)}`),
    'processes left',
  ).toEqual([]);
}

/** No container of its runs is there any more, running or not. */
export async function expectNoContainer(trial: Trial, env: Readonly<Record<string, string>>): Promise<void> {
  const { stdout } = await execa('docker', ['ps', '--all', '--format', '{{.Label "assay.run_id"}}'], { env });
  expect(
    stdout.split('\n').filter((id) => trial.runIds.has(id)),
    'containers left',
  ).toEqual([]);
}

/** Every host may be locked at once. */
export async function expectNoLock(trial: Trial): Promise<void> {
  const locks = existsSync(trial.locks) ? readdirSync(trial.locks) : [];
  for (const lock of locks) {
    const { exitCode } = await execa('sh', ['-c', 'flock -n -x "$1" true', 'sh', join(trial.locks, lock)], {
      reject: false,
    });
    expect(exitCode, `${lock} is held`).toBe(0);
  }
}

/** Nothing lies about that only the dead session knew of; its socket waits for the next one that has a socket. */
export function expectNoFile(trial: Trial, { otherRun, hasNext }: FilesLeft): void {
  expect(filesIn(join(trial.artifacts, '.live')), 'files in .live').toEqual([`${otherRun}.json`]);
  const files = filesIn(trial.temporary).filter((path) => path.startsWith('assay-'));
  const sockets = files.filter((path) => path.endsWith('/broker.sock')).map(dirname);
  const ofSocket = (path: string) => sockets.some((folder) => path === folder || dirname(path) === folder);
  const left = hasNext ? files : files.filter((path) => !ofSocket(path));
  // Connections lie there where the path of the temporary folder is too long for a socket.
  const connections = readdirSync('/tmp').filter((name) => [...trial.runIds].some((id) => name.includes(id)));
  expect([...left, ...connections], 'temporary files').toEqual([]);
}

interface FilesLeft {
  /** The run of somebody else that is still noted. */
  readonly otherRun: string;
  /** Whether a session came after the one that was killed. */
  readonly hasNext: boolean;
}

/** Every run directory can be read, and says how far its run came. */
export async function expectTruth(trial: Trial, victim: Victim): Promise<void> {
  for (const folder of trial.runFolders()) {
    const manifest = readManifest(folder);
    await checkEvidence(folder, manifest, { hashes: 'all' });
    const events = readEvents(folder).map(({ event }) => event);
    const { status, interruption, run_id: runId, sidecars } = manifest;
    const what = `${folder} is ${status}: ${manifest.failure?.message ?? interruption ?? ''}`;
    expect(runId).toBe(basename(folder));
    expect(ENDS[victim], what).toContain(status);
    expect(events.includes('attempt.interrupted'), what).toBe(status === 'interrupted');
    expect(interruption !== null, what).toBe(status === 'interrupted');
    if (status !== 'interrupted') expect(events.at(-1), what).toBe('teardown.done');
    if (status === 'passed') expect(events, what).toContain('verify.passed');
    expect(
      Object.keys(sidecars).filter((path) => path.endsWith('.tmp')),
      what,
    ).toEqual([]);
  }
  expectCatalog(trial);
}

/** The catalogue names runs that are there, with the status that they have. */
function expectCatalog(trial: Trial): void {
  const path = join(trial.artifacts, 'catalog.jsonl');
  const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : [];
  for (const line of lines) {
    const listed = JSON.parse(line) as { readonly path: string; readonly status: Status };
    expect(listed.status).toBe(readManifest(join(trial.artifacts, listed.path)).status);
  }
}

/** A session that starts now runs all its cells, and waits for no host. */
export async function expectNextRuns(trial: Trial): Promise<void> {
  const before = new Set(trial.runFolders());
  const { all, exitCode } = await trial.start();
  expect(exitCode, all).toBe(0);
  const launched = trial.runFolders().filter((folder) => !before.has(folder));
  expect(launched.map((folder) => readManifest(folder).status)).toEqual(['passed', 'passed']);
  const events = launched.flatMap(readEvents).map(({ event }) => event);
  expect(events).not.toContain('hosts.waiting');
}
