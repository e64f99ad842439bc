import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { localExecutor } from '../../src/exec/local.ts';
import type { Manifest } from '../../src/evidence/manifest.ts';
import { readManifest } from '../../src/evidence/run-reader.ts';
import { LiveSession } from './live-session.ts';
import { ONE_CELL, Project } from './project.ts';

const closers: (() => void)[] = [];
afterEach(() => closers.splice(0).forEach((close) => close()));

/** Runs one cell of a broken config: what the user sees, and what is left. */
async function runBroken(config: string, files: Readonly<Record<string, string>> = {}) {
  const project = new Project({ 'configs/broken.yaml': config, ...files });
  const { screen, exitCode, launched, tests } = await project.run();
  const [folder] = launched;
  const manifest: Manifest = readManifest(folder!);
  return { screen, exitCode, manifest, tests, left: await localExecutor('localhost').findLabelled(manifest.run_id) };
}

describe('a server that cannot start ends as failed_setup, with its own last words', () => {
  const expectFailedSetup = (
    { screen, exitCode, manifest, left }: Awaited<ReturnType<typeof runBroken>>,
    words: RegExp,
  ) => {
    expect(manifest.status).toBe('failed_setup');
    expect(manifest.failure).toMatchObject({ category: 'setup_failure', originated_in_phase: 'launch' });
    expect(manifest.failure?.evidence.join('\n')).toMatch(words);
    expect(screen).toMatch(words);
    expect(manifest.teardown).toEqual({ orphans: 0, kept: false, unconfirmed: [], error: null });
    expect(left).toEqual([]);
    expect(exitCode).toBe(1);
  };

  it('when the port is taken', async () => {
    const occupant = createServer();
    await new Promise<void>((listening) => occupant.listen(0, '127.0.0.1', listening));
    closers.push(() => occupant.close());
    const { port } = occupant.address() as AddressInfo;
    expectFailedSetup(
      await runBroken(ONE_CELL.replace('num_prompts: 8', `num_prompts: 8, port: ${port}`)),
      /port .*in use|EADDRINUSE/i,
    );
  });

  it('when the model file is missing', async () => {
    expectFailedSetup(await runBroken(ONE_CELL.replace('byte-llama.gguf', 'no-such.gguf')), /no-such\.gguf/);
  });

  it('when the model is not the one the config names', async () => {
    const other = 'f'.repeat(64);
    expectFailedSetup(
      await runBroken(ONE_CELL.replace('.gguf}', `.gguf, sha256: ${other}}`)),
      new RegExp(`expected sha256:${other}`),
    );
  });

  it('when the config asks for more context than the model was trained with', async () => {
    expectFailedSetup(
      await runBroken(ONE_CELL.replace('max_model_length: 256', 'max_model_length: 4096')),
      /4096.*512|512.*4096/,
    );
  });

  it('and every claim that needs a run fails with the cause, once on the screen for all of them', async () => {
    const { tests, screen } = await runBroken(ONE_CELL.replace('byte-llama.gguf', 'no-such.gguf'));
    const passed = tests
      .filter(({ status }) => status === 'passed')
      .map(({ fullName }) => fullName.replace(/\[.*/, ''));
    // Its process was up, for as long as it took to say so.
    expect(passed).toEqual(['container_up', 'no_orphans', 'evidence_intact']);
    expect(screen.match(/the run is failed_setup: server on localhost ended with code 1/g)).toHaveLength(1);
  });
});

describe('a missed threshold', () => {
  it('fails its claim alone, with the numbers, the place and the next commands', async () => {
    const { screen, manifest, tests } = await runBroken(ONE_CELL.replace('value: 60000', 'value: 0.001'));
    expect(manifest.status).toBe('failed_verification');
    expect(tests.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName)).toEqual([
      'ttft_p99[llama_cpp-byte_llama-cpu-f32-balanced-conc2]',
    ]);
    expect(screen).toMatch(/ttft_ms p99 is [\d.]+ ms, must be <= 0.001 ms \(margin -/);
    expect(screen).toMatch(
      /threshold configs\/broken\.yaml:\d+\n {3}evidence {2}runs\/quick\/balanced-conc2\/.*samples\.parquet/,
    );
    expect(screen).toContain('rerun     npx vitest run -t "ttft_p99 quick balanced-conc2"');
  });

  it('fails nothing where nothing is enforced', async () => {
    const { exitCode, manifest } = await runBroken(
      `${ONE_CELL.replace('value: 60000', 'value: 0.001')}enforce: false\n`,
    );
    expect(manifest.status).toBe('recorded');
    expect(manifest.verdicts.map(({ passed }) => passed)).toEqual([true, false]);
    expect(exitCode).toBe(0);
  });
});

describe('a broken config', () => {
  it('is told in full before anything starts', async () => {
    const project = new Project({ 'configs/typo.yaml': ONE_CELL.replace('num_warmups', 'num_warmup') });
    const { screen, exitCode, launched } = await project.run();
    expect(screen).toMatch(
      /configs\/typo\.yaml:\d+:\d+ params\.num_warmup: unknown field - did you mean `num_warmups`\?/,
    );
    expect(screen).toContain('1 problem in 1 of 1 file. Nothing was launched.');
    expect(screen).not.toContain('    at ');
    expect(launched).toEqual([]);
    expect(exitCode).toBe(1);
  });
});

/** A cell that runs until it is ended. */
const ENDLESS = ONE_CELL.replace('num_prompts: 8', 'num_prompts: 100000').replace('osl: 8', 'osl: 64');

/** Starts an endless cell and waits until it is under load. */
async function startEndless() {
  const project = new Project({ 'configs/endless.yaml': ENDLESS });
  const session = new LiveSession(project);
  await session.shows(' await ');
  const [live] = session.live();
  return { project, session, ...live! };
}

const leftOf = (runId: string) => localExecutor('localhost').findLabelled(runId);

describe('what dies', () => {
  it('with the session leaves no server behind, and a run that says it was interrupted', async () => {
    const { session, folder, runId } = await startEndless();
    session.signal('SIGKILL');
    await session.ended;
    // The job host notices the closed pipe by itself; its last act is the manifest.
    await expect.poll(() => readManifest(folder).status, { timeout: 30_000, interval: 50 }).toBe('interrupted');
    const manifest = readManifest(folder);
    expect(await leftOf(runId)).toEqual([]);
    expect(manifest.teardown).toEqual({ orphans: 0, kept: false, unconfirmed: [], error: null });
    expect(Object.keys(manifest.sidecars)).toContain('samples.arrows');
  });

  it('with the job host is ended by the session, which says why the run was interrupted', async () => {
    const { session, folder, jobHost, runId } = await startEndless();
    process.kill(jobHost, 'SIGKILL');
    const exitCode = await session.ended;
    expect(await leftOf(runId)).toEqual([]);
    expect(readManifest(folder)).toMatchObject({
      status: 'interrupted',
      interruption: 'its job host ended with SIGKILL',
      teardown: { orphans: 1, error: null },
    });
    expect(session.screen).toContain('its job host ended with SIGKILL');
    expect(session.screen).toContain('1 leftover process removed');
    expect(exitCode).toBe(1);
  });

  it('with both is ended by the next session, before it launches anything', async () => {
    const { project, session, folder, runId } = await startEndless();
    session.kill();
    await session.ended;
    expect(await leftOf(runId)).toHaveLength(1);
    expect(readManifest(folder).status).toBe('running');
    project.write('configs/endless.yaml', ONE_CELL);
    const { screen } = await project.run('-t', 'ttft_p99');
    expect(screen).toContain('ended what a dead session left: runs/quick/balanced-conc2/');
    expect(await leftOf(runId)).toEqual([]);
    expect(readManifest(folder)).toMatchObject({ status: 'interrupted', teardown: { orphans: 1 } });
  });

  it('as the server under load is told as that, with how far it came', async () => {
    const { session, folder, runId } = await startEndless();
    await localExecutor('localhost').end((await leftOf(runId)) ?? []);
    await session.ended;
    expect(readManifest(folder)).toMatchObject({
      status: 'failed_safety',
      failure: {
        category: 'safety_violation',
        originated_in_phase: 'await',
        message: 'server_alive: server on localhost ended with SIGKILL under load',
      },
    });
  });
});
