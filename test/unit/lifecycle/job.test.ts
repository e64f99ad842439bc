import { existsSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { WorkloadFailure } from '../../../src/evidence/failure.ts';
import type { Phase } from '../../../src/evidence/failure.ts';
import type { Manifest } from '../../../src/evidence/manifest.ts';
import { checkEvidence, readEvents, readManifest } from '../../../src/evidence/run-reader.ts';
import { readOwnManifest } from '../../../src/evidence/run-writer.ts';
import type { ParseContext, ProgressStatus, RunContext, WorkloadResult } from '../../../src/lifecycle/adapter.ts';
import { BaseAdapter } from '../../../src/lifecycle/base-adapter.ts';
import { localExecutor } from '../../../src/exec/local.ts';
import { Interruption } from '../../../src/lifecycle/interruption.ts';
import { runJob } from '../../../src/lifecycle/job.ts';
import { launchRoles } from '../../../src/lifecycle/launch.ts';
import { DEMO_CONFIG } from '../demo-config.ts';
import { startedRun } from '../started-run.ts';
import { contextOf } from './job-bench.ts';

const CONFIG = `${DEMO_CONFIG}timeouts: {launch: 30s, inactivity: 300ms, total: 10s}\n`;

const SLEEPER = 'console.log("up"); setInterval(() => {}, 1000)';

/** A workload that does what it is told: one process, two requests of 20 ms to the first token. */
class Scripted extends BaseAdapter {
  program = SLEEPER;
  ttftMs = 20;
  status: () => ProgressStatus = () => ({ state: 'done' });

  async launch(context: RunContext): Promise<void> {
    const command = { file: process.execPath, args: ['-e', this.program] };
    const readiness = { kind: 'log', pattern: /^up$/ } as const;
    await launchRoles(context, [{ role: 'server', after: [], command: () => command, readiness }]);
  }

  progressPredicate(): ProgressStatus {
    return this.status();
  }

  async parse({ writer }: ParseContext): Promise<WorkloadResult> {
    for (const id of ['a', 'b']) {
      writer.sample({
        requestId: id,
        tsMs: 1_700_000_000_000,
        ttftMs: this.ttftMs,
        tpotMs: 2,
        itlMs: 2,
        e2elMs: 30,
        inputTokens: 8,
        outputTokens: 4,
        role: 'server',
        host: 'localhost',
        ok: true,
        error: null,
        latenessMs: null,
        itlsMs: [2, 2, 2],
      });
    }
    return { scalars: { odd: Number.NaN }, applied: {}, frameworkVersions: {}, startedAtMs: 0, durationMs: 1000 };
  }
}

interface Outcome {
  readonly manifest: Manifest;
  readonly folder: string;
  readonly events: readonly string[];
}

interface RunOptions {
  readonly config?: string;
  readonly abort?: AbortController;
  readonly onPhase?: (phase: Phase) => void;
}

async function run(adapter: Scripted, options: RunOptions = {}): Promise<Outcome> {
  const { config, abort = new AbortController(), onPhase = () => undefined } = options;
  const request = startedRun(config ?? CONFIG);
  const context = contextOf(request, { abort });
  const returned = await runJob(adapter, context, {
    manifest: readOwnManifest(request.folder),
    listener: { onPhase, onWait: () => undefined },
  });
  await context.hosts.close();
  const manifest = readManifest(request.folder);
  // Whatever happened: what the job returns is what stands on disk, whole, and nothing runs on.
  expect(manifest).toEqual(returned);
  await checkEvidence(request.folder, manifest, { hashes: 'all' });
  expect(await localExecutor('localhost').findLabelled(request.runId)).toEqual([]);
  return { manifest, folder: request.folder, events: readEvents(request.folder).map(({ event }) => event) };
}

const scripted = (change: Partial<Scripted>): Scripted => Object.assign(new Scripted(), change);

describe('runJob', () => {
  it('takes a workload through the six phases and leaves its evidence', async () => {
    const { manifest, events, folder } = await run(new Scripted());
    expect(manifest.status).toBe('passed');
    expect(Object.entries(manifest.phases).map(([phase, { status }]) => `${phase} ${status}`)).toEqual([
      'prepare ok',
      'launch ok',
      'await ok',
      'parse ok',
      'verify ok',
      'teardown ok',
    ]);
    expect(events).toEqual([
      'hosts.acquired',
      'prepare.start',
      'prepare.done',
      'seed.logged',
      'launch.start',
      'launch.container_up',
      'launch.role_ready',
      'launch.done',
      'await.start',
      'await.done',
      'parse.start',
      'request',
      'request',
      'parse.done',
      'verify.start',
      'verify.passed',
      'verify.done',
      'teardown.start',
      'teardown.done',
    ]);
    expect(manifest.result.scalars).toMatchObject({
      requests: 2,
      completed: 2,
      ttft_p99_ms: 20,
      throughput_tps: 8,
      odd: null,
    });
    expect(manifest.verdicts).toMatchObject([
      { benchmark: 'ttft_p99', source: 'demo.yaml:12', expected: 50, actual: 20, margin: 30, passed: true, n: 2 },
    ]);
    expect(readdirSync(folder)).not.toContain('samples.arrows');
  });

  it('calls a missed threshold failed_verification, and only records it where nothing is enforced', async () => {
    const missed = await run(scripted({ ttftMs: 60 }));
    expect(missed.manifest).toMatchObject({
      status: 'failed_verification',
      failure: { category: 'verification_failure', originated_in_phase: 'verify' },
      phases: { verify: { status: 'failed' }, teardown: { status: 'ok' } },
    });
    expect(missed.events).toContain('verify.failed');
    const recorded = await run(scripted({ ttftMs: 60 }), { config: `${CONFIG}enforce: false\n` });
    expect(recorded.manifest).toMatchObject({ status: 'recorded', failure: null, verdicts: [{ passed: false }] });
  });

  const ended = 'console.log("first"); console.error("last words"); process.exit(3)';
  const stuck = { state: 'running', mark: 1, progress: { done: 1, total: 2, unit: 'req', rate: '' } } as const;
  const broken = {
    state: 'broken',
    predicate: 'error_rate',
    detail: '9 of 10 requests failed',
    evidence: ['500'],
  } as const;
  it.each<[string, Partial<Scripted>, string, object]>([
    [
      'prepare raises',
      { prepare: () => Promise.reject(new Error('no image')) },
      'failed_setup',
      { category: 'setup_failure', originated_in_phase: 'prepare', message: 'no image' },
    ],
    [
      'the server ends before it is ready',
      { program: ended },
      'failed_setup',
      {
        category: 'setup_failure',
        originated_in_phase: 'launch',
        message: 'server on localhost ended with code 3 before it was ready',
        evidence: expect.arrayContaining(['first', 'last words']),
      },
    ],
    [
      'the predicate breaks',
      { status: () => broken },
      'failed_safety',
      {
        category: 'safety_violation',
        originated_in_phase: 'await',
        message: 'error_rate: 9 of 10 requests failed',
        evidence: ['500'],
      },
    ],
    [
      'nothing moves',
      { status: () => stuck },
      'failed_liveness',
      {
        category: 'liveness_failure',
        originated_in_phase: 'await',
        message: 'no progress for 0.3 s (stood at 1 of 2 req) - where nothing hangs, raise `timeouts.inactivity`',
        evidence: ['up'],
      },
    ],
    [
      'the artifact cannot be read',
      { parse: () => Promise.reject(new WorkloadFailure('parse_failure', 'result.json is empty', ['""'])) },
      'failed_parse',
      { category: 'parse_failure', originated_in_phase: 'parse', message: 'result.json is empty', evidence: ['""'] },
    ],
    [
      'a fatal line is printed',
      {
        program: `${SLEEPER}; console.log("GGML_ASSERT(n > 0) failed")`,
        status: () => ({ ...stuck, mark: Math.random() }),
      },
      'failed_pattern',
      { category: 'failure_pattern_matched', evidence: ['GGML_ASSERT(n > 0) failed'] },
    ],
  ])('when %s', async (...[, change, status, failure]) => {
    const { manifest } = await run(scripted(change));
    expect(manifest.status).toBe(status);
    expect(manifest.failure).toMatchObject(failure);
    expect(manifest.phases.teardown?.status).toBe('ok');
  });

  it('when the server is never ready', async () => {
    const config = CONFIG.replace('launch: 30s', 'launch: 3s');
    const { manifest } = await run(scripted({ program: SLEEPER.replace('up', 'not yet') }), { config });
    expect(manifest).toMatchObject({
      status: 'failed_setup',
      failure: {
        originated_in_phase: 'launch',
        message: 'server on localhost not ready after 3.0 s - where it only loads for longer, raise `timeouts.launch`',
        evidence: ['not yet'],
      },
    });
  });

  it('keeps a failing teardown beside the first cause, and still ends the processes', async () => {
    const { manifest } = await run(
      scripted({ status: () => broken, teardown: () => Promise.reject(new Error('no route')) }),
    );
    expect(manifest.failure?.category).toBe('safety_violation');
    expect(manifest.teardown).toEqual({ orphans: 1, kept: false, unconfirmed: [], error: 'no route' });
    expect(manifest.phases.teardown?.status).toBe('failed');
  });

  it('calls an aborted run interrupted, at once, with what there was', async () => {
    const abort = new AbortController();
    const status = (): ProgressStatus => {
      abort.abort(new Interruption('asked to'));
      return stuck;
    };
    const { manifest, events } = await run(scripted({ status }), { abort });
    expect(manifest).toMatchObject({
      status: 'interrupted',
      interruption: 'asked to',
      failure: null,
      teardown: { orphans: 0, error: null },
    });
    expect(events).toContain('attempt.interrupted');
  });

  it('starts nothing after an abort', async () => {
    const abort = new AbortController();
    let isAwaited = false;
    const awaitCompletion = async (): Promise<void> => {
      isAwaited = true;
    };
    const onPhase = (phase: Phase): void => {
      if (phase === 'await') abort.abort(new Interruption('asked to'));
    };
    const { manifest } = await run(scripted({ awaitCompletion }), { abort, onPhase });
    expect(manifest.phases.await?.status).toBe('failed');
    expect(isAwaited).toBe(false);
  });

  it('keeps the rows of a parse that was aborted as they are', async () => {
    const abort = new AbortController();
    const parse: Scripted['parse'] = async (context) => {
      const result = await new Scripted().parse(context);
      abort.abort(new Interruption('asked to'));
      return result;
    };
    const { manifest } = await run(scripted({ parse }), { abort });
    expect(manifest.status).toBe('interrupted');
    expect(manifest.phases.parse?.status).toBe('failed');
    expect(Object.keys(manifest.sidecars)).toEqual(expect.arrayContaining(['samples.arrows', 'trajectory.arrows']));
  });

  it('waits for work that outlives the abort before it hashes what that work writes', async () => {
    const abort = new AbortController();
    const awaitCompletion = async ({ request, writer }: RunContext): Promise<void> => {
      abort.abort(new Interruption('asked to'));
      await delay(500);
      writeFileSync(join(request.folder, 'raw.json'), '{}');
      writer.events.record('arrival.end', { completed: 1, failed: 0 });
      throw new Error('nobody waits for this any more');
    };
    const { manifest, events } = await run(scripted({ awaitCompletion }), { abort });
    expect(manifest).toMatchObject({ status: 'interrupted', failure: null, teardown: { orphans: 0, error: null } });
    expect(Object.keys(manifest.sidecars)).toContain('raw.json');
    expect(events.slice(-2)).toEqual(['arrival.end', 'teardown.done']);
  });

  it('records an error from outside of a phase as the failure of that phase', async () => {
    const abort = new AbortController();
    const status = (): ProgressStatus => {
      abort.abort(new Error('a callback threw'));
      return stuck;
    };
    const { manifest } = await run(scripted({ status }), { abort });
    expect(manifest).toMatchObject({
      status: 'failed_safety',
      failure: {
        category: 'safety_violation',
        originated_in_phase: 'await',
        message: 'not classified: a callback threw',
      },
      teardown: { error: null },
    });
  });

  it('notes an error that comes when the workload is done', async () => {
    const abort = new AbortController();
    const teardown = async (context: RunContext): Promise<void> => {
      abort.abort(new Error('a callback threw'));
      await new Scripted().teardown(context);
    };
    const { manifest } = await run(scripted({ teardown }), { abort });
    expect(manifest).toMatchObject({ status: 'passed', failure: null, teardown: { error: 'a callback threw' } });
  });

  it('calls a window that is no number not measured', async () => {
    const parse: Scripted['parse'] = async (context) => ({
      ...(await new Scripted().parse(context)),
      startedAtMs: Number.NEGATIVE_INFINITY,
      durationMs: Number.NaN,
    });
    const { manifest } = await run(scripted({ parse }));
    expect(manifest.status).toBe('passed');
    expect(manifest.result.measured).toEqual({ started_at_ms: null, duration_ms: null });
    expect(manifest.result.scalars).toMatchObject({ requests: 2, throughput_tps: null });
  });

  it('leaves figures out that make no manifest, and says which', async () => {
    const parse =
      (ttftMs: number): Scripted['parse'] =>
      async (context) => ({
        ...(await scripted({ ttftMs }).parse(context)),
        applied: { threads: { asked: Number.NaN, applied: null } },
      });
    const { manifest } = await run(scripted({ parse: parse(20) }));
    expect(manifest).toMatchObject({
      status: 'failed_parse',
      failure: {
        category: 'parse_failure',
        originated_in_phase: 'parse',
        message: expect.stringContaining('result.applied.threads.asked'),
      },
      result: { scalars: {}, applied: {} },
      verdicts: [],
      phases: { verify: { status: 'ok' } },
    });
    const missed = await run(scripted({ parse: parse(60) }));
    expect(missed.manifest).toMatchObject({
      status: 'failed_verification',
      teardown: { orphans: 0, error: expect.stringContaining('result.applied.threads.asked') },
    });
  });

  describe.runIf(existsSync('/dev/full'))('on a full disk', () => {
    it('says that the log of a role is not whole', async () => {
      const prepare = async ({ request }: RunContext): Promise<void> =>
        symlinkSync('/dev/full', join(request.folder, 'logs', 'server.localhost.log'));
      const { manifest } = await run(scripted({ prepare }));
      expect(manifest).toMatchObject({ status: 'passed', failure: null, phases: { teardown: { status: 'failed' } } });
      expect(manifest.teardown?.error).toMatch(/^the log of server\.localhost is not whole: ENOSPC/);
    });

    it('still ends the run with a manifest when no event can be written', async () => {
      const request = startedRun(CONFIG);
      symlinkSync('/dev/full', join(request.folder, 'events.jsonl'));
      const abort = new AbortController();
      const context = contextOf(request, { abort });
      await runJob(new Scripted(), context, {
        manifest: readOwnManifest(request.folder),
        listener: { onPhase: () => undefined, onWait: () => undefined },
      });
      await context.hosts.close();
      const manifest = readManifest(request.folder);
      expect(manifest).toMatchObject({
        status: 'failed_setup',
        failure: { originated_in_phase: 'prepare', message: expect.stringContaining('ENOSPC') },
        teardown: { orphans: 0 },
      });
      expect(Object.keys(manifest.sidecars)).toContain('samples.arrows');
    });
  });
});
