import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { PHASES } from '../../src/evidence/failure.ts';
import type { Phase } from '../../src/evidence/failure.ts';
import { listLive } from '../../src/evidence/store/live-runs.ts';
import { checkEvidence, readEvents, readManifest } from '../../src/evidence/run-reader.ts';
import { runLocal } from '../../src/exec/local.ts';
import { reapDeadRuns } from '../../src/session/reap.ts';
import { ONE_CELL } from '../e2e/project.ts';
import { expectAftermath } from './failure-bench.ts';
import type { Expected } from './failure-bench.ts';
import type { OpenEngine } from './failure-engines.ts';
import { runHosted } from './failure-job-host.ts';

/** A failure that the border between a session and its job host matters for. */
export interface HostedRow {
  readonly name: string;
  readonly engine: 'local' | 'ssh';
  readonly run: (engine: OpenEngine) => Promise<void>;
}

const SECRET = `${ONE_CELL}secrets: {hf_token: {kind: SecretValue, source: env, env_var: ASSAY_TEST_TOKEN}}\n`;
const ENDLESS = ONE_CELL.replace('num_prompts: 8', 'num_prompts: 100000').replace('osl: 8', 'osl: 64');

/** What happens to whole job hosts, as they are built. */
export const hostedRows: readonly HostedRow[] = [
  secretRow('a secret is not set', {}, 'is not set'),
  secretRow('a secret is too short', { ASSAY_TEST_TOKEN: 'abc' }, 'is shorter than 4 characters'),
  {
    name: 'the job host may open too few files to start',
    engine: 'local',
    run: (engine) => expectInterrupted(engine, { files: 40 }),
  },
  ...PHASES.map((phase): HostedRow => ({
    name: `the job host can open no more files from ${phase} on`,
    engine: 'local',
    run: (engine) =>
      expectInterrupted(engine, {
        onPhase: (begun, { pid }) => {
          if (begun === phase) void runLocal({ file: 'prlimit', args: [`--pid=${pid}`, '--nofile=3:'] });
        },
      }),
  })),
  ...(['launch', 'await'] as const).map((phase): HostedRow => ({
    name: `the disk of the artifacts is full from ${phase} on`,
    engine: 'local',
    run: (engine) => expectFullDisk(engine, phase),
  })),
  { name: 'a host vanishes, and comes back for a later session', engine: 'ssh', run: expectReaped },
];

function secretRow(name: string, env: Readonly<Record<string, string>>, mistake: string): HostedRow {
  const message = `secrets are missing from the environment: ASSAY_TEST_TOKEN (secrets.hf_token) ${mistake} - set each where the session starts; a value of fewer than 4 characters cannot be kept out of logs`;
  return {
    name,
    engine: 'local',
    run: async (engine) => {
      const { request, end } = await runHosted(engine, { config: SECRET, env });
      expect(end).toMatchObject({ status: 'failed_setup', isClean: true });
      await expectRecord(engine, request.folder, {
        status: 'failed_setup',
        failure: { category: 'setup_failure', originated_in_phase: 'prepare', message, evidence: [] },
        until: 'hosts',
      });
    },
  };
}

/** A job host that cannot go on, nor say so: the session says it. */
async function expectInterrupted(engine: OpenEngine, options: Parameters<typeof runHosted>[1]): Promise<void> {
  const { request, end } = await runHosted(engine, options);
  expect(end).toEqual({ status: 'interrupted', isKept: false, isClean: true });
  const manifest = readManifest(request.folder);
  await checkEvidence(request.folder, manifest, { hashes: 'all' });
  expect(manifest).toMatchObject({
    interruption: expect.stringMatching(/^its job host ended with (code 1: Error: |SIGABRT)/),
    failure: null,
    teardown: { unconfirmed: [], error: null },
  });
  expect(await engine.left(request.runId)).toEqual([]);
  expect(listLive(request.artifacts)).toEqual([]);
}

/** A disk that became full takes the end of the run all the same, and the run says why it failed. */
async function expectFullDisk(engine: OpenEngine, from: Phase): Promise<void> {
  const { artifacts, fill, free } = await smallDisk();
  const { request, end } = await runHosted(engine, { artifacts, onPhase: (phase) => phase === from && fill() });
  const manifest = readManifest(request.folder);
  expect(end).toMatchObject({ status: manifest.status });
  expect(manifest).toMatchObject({
    status: expect.stringMatching(/^failed_/),
    failure: { message: expect.stringContaining('ENOSPC: no space left on device') },
  });
  await checkEvidence(request.folder, manifest, { hashes: 'all' });
  expect(readEvents(request.folder).map(({ event }) => event)).toContain('prepare.done');
  expect(await engine.left(request.runId)).toEqual([]);
  free();
  await reapDeadRuns(artifacts);
  expect(readManifest(request.folder)).toEqual(manifest);
  expect(listLive(artifacts)).toEqual([]);
}

/** A disk of a megabyte, until the test is over. */
export async function smallDisk(folder = realpathSync(mkdtempSync(join(tmpdir(), 'disk-')))) {
  mkdirSync(folder, { recursive: true });
  const mounted = await runLocal({ file: 'mount', args: ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder] });
  expect(mounted.exit, mounted.stderr).toEqual({ kind: 'exited', code: 0 });
  onTestFinished(() => runLocal({ file: 'umount', args: ['--lazy', folder] }).then(() => undefined));
  const file = join(folder, '.filler');
  const fill = (): void => {
    try {
      writeFileSync(file, Buffer.alloc(2 ** 20));
    } catch {
      // Full, as it is to be.
    }
  };
  return { artifacts: folder, fill, free: () => rmSync(file) };
}

async function expectReaped(engine: OpenEngine): Promise<void> {
  const { ssh } = engine;
  const [host] = engine.on.nodes;
  const options = { config: ENDLESS, onPhase: (phase: Phase) => void (phase === 'await' && ssh?.linkDown(host!.name)) };
  const { request, end } = await runHosted(engine, options);
  expect(end).toEqual({ status: 'failed_safety', isKept: false, isClean: false });
  expect(readManifest(request.folder)).toMatchObject({
    failure: { message: expect.stringMatching(/^server_alive: server on h1 was lost under load: ssh to h1: /) },
    teardown: { orphans: null, unconfirmed: [expect.stringMatching(/^h1 cannot be searched/)] },
  });
  const { artifacts } = request;
  expect(await reapDeadRuns(artifacts)).toMatchObject([{ unconfirmed: [expect.stringContaining('h1')] }]);
  expect(listLive(artifacts)).toHaveLength(1);
  await ssh?.linkUp(host!.name);
  const reaped = async (): Promise<unknown> => {
    await reapDeadRuns(artifacts);
    return listLive(artifacts);
  };
  await expect.poll(reaped, { timeout: 20_000 }).toEqual([]);
  expect(await engine.left(request.runId)).toEqual([]);
  expect(readManifest(request.folder).status).toBe('failed_safety');
  await checkEvidence(request.folder, readManifest(request.folder), { hashes: 'all' });
}

async function expectRecord(engine: OpenEngine, folder: string, expected: Expected): Promise<void> {
  const manifest = readManifest(folder);
  const { status, failure } = expected;
  expect(manifest).toMatchObject({ status, failure, teardown: { orphans: 0, unconfirmed: [], error: null } });
  await expectAftermath({ manifest, events: readEvents(folder), folder, engine }, expected);
}
