import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { PHASES } from '../../src/evidence/failure.ts';
import type { Phase } from '../../src/evidence/failure.ts';
import type { Manifest } from '../../src/evidence/manifest.ts';
import { checkEvidence, readEvents, readManifest } from '../../src/evidence/run-reader.ts';
import type { RecordedEvent } from '../../src/evidence/events.ts';
import { readOwnManifest } from '../../src/evidence/run-writer.ts';
import { runJob } from '../../src/lifecycle/job.ts';
import { planSession } from '../../src/session/plan.ts';
import { frameworks } from '../../src/session/registry.ts';
import { newRun, startRun } from '../../src/session/start-run.ts';
import { DEMO_CONFIG } from '../unit/demo-config.ts';
import { contextOf } from '../unit/lifecycle/job-bench.ts';
import { sessionOptions } from '../unit/session-options.ts';
import type { OpenEngine } from './failure-engines.ts';
import { Scripted } from './failure-scripted.ts';

/** What a failure leaves in the manifest. */
export interface Expected {
  readonly status: Manifest['status'];
  /** Null for a run that failed nothing. */
  readonly failure: object | null;
  /** The phases that the run came to; the last but teardown is the one that failed. */
  readonly until: Phase | 'hosts';
  /** Of the teardown; by default it found nothing and nothing went wrong. */
  readonly teardown?: object;
}

/** One failure: what is done to a run, and what the run must then say. */
export interface Row {
  readonly name: string;
  /** Why it cannot be injected here; null when it can. */
  readonly missing?: string | null;
  /** Lines of the config instead of those of the same key. */
  readonly config?: Readonly<Record<string, string>>;
  /** What the workload does; the engine is for what happens to its hosts. */
  readonly inject: (engine: OpenEngine) => Partial<Scripted> | Promise<Partial<Scripted>>;
  /** Other hosts than those of the engine. */
  readonly on?: (engine: OpenEngine) => Partial<OpenEngine['on']>;
  readonly expected: Expected;
  /** What else is true of it. */
  readonly also?: (ran: Ran) => void | Promise<void>;
}

/** A run that is over. */
export interface Ran {
  readonly manifest: Manifest;
  readonly events: readonly RecordedEvent[];
  readonly folder: string;
  readonly engine: OpenEngine;
}

/** Runs a row in this process over the executors of its engine, and checks what every run must leave. */
export async function runRow(row: Row, engine: OpenEngine): Promise<Ran> {
  const request = requestOf(row, engine);
  const context = contextOf(request);
  const injected = await row.inject(engine);
  const adapter = injected instanceof Scripted ? injected : Object.assign(new Scripted(), injected);
  const returned = await runJob(adapter, context, {
    manifest: readOwnManifest(request.folder),
    listener: { onPhase: () => undefined, onWait: () => undefined },
  });
  await context.hosts.close().catch(() => undefined);
  await engine.recover?.(request.on, request.runId);
  const manifest = readManifest(request.folder);
  expect(manifest).toEqual(returned);
  const ran = { manifest, events: readEvents(request.folder), folder: request.folder, engine };
  const { status, failure, teardown = {} } = row.expected;
  expect(manifest).toMatchObject({
    status,
    failure,
    teardown: { orphans: 0, kept: false, unconfirmed: [], error: null, ...teardown },
  });
  await expectAftermath(ran, row.expected);
  await row.also?.(ran);
  return ran;
}

function requestOf({ config = {}, on: change = () => ({}) }: Row, engine: OpenEngine) {
  const on = { ...engine.on, ...change(engine) };
  const root = mkdtempSync(join(tmpdir(), 'failure-'));
  const lines = { timeouts: '{launch: 20s, inactivity: 20s, total: 60s}', ...config };
  const kept = DEMO_CONFIG.split('\n').filter((line) => !Object.keys(lines).includes(line.split(':')[0] ?? ''));
  const added = Object.entries(lines).map(([key, value]) => `${key}: ${value}\n`);
  writeFileSync(join(root, 'demo.yaml'), `${kept.join('\n')}${added.join('')}`);
  const plan = planSession(sessionOptions({ root }), frameworks);
  const planned = plan.cells[0]!;
  const hosts = { server: on.nodes.map(({ name }) => name) };
  const spec = { ...on, isExclusive: true, timeLimitMs: 600_000, session: 'failures', task: null };
  const request = newRun(planned, { hosts, on: spec, artifacts: plan.artifacts });
  startRun(request);
  return request;
}

/** What is true of every run that is over, however it ended. */
export async function expectAftermath({ manifest, events, folder, engine }: Ran, { until }: Expected): Promise<void> {
  await checkEvidence(folder, manifest, { hashes: 'all' });
  const left = await engine.left(manifest.run_id);
  expect(left, 'carries the label of the run').toEqual([]);
  const gone: readonly Phase[] = until === 'hosts' ? [] : PHASES.slice(0, PHASES.indexOf(until) + 1);
  const phases = [...new Set<Phase>([...gone, 'teardown'])];
  expect(Object.keys(manifest.phases)).toEqual(phases);
  for (const phase of phases) {
    const about = events.filter(({ event }) => event.startsWith(`${phase}.`) && /\.(start|done)$/.test(event));
    const { duration_s: durationS, status } = manifest.phases[phase]!;
    expect(about).toMatchObject([
      { event: `${phase}.start` },
      { event: `${phase}.done`, phase_duration_s: durationS, status },
    ]);
    expect(durationS).toBeGreaterThanOrEqual(0);
    const failed = phase === until && manifest.failure !== null;
    if (phase !== 'teardown') expect(`${phase} ${status}`).toBe(`${phase} ${failed ? 'failed' : 'ok'}`);
  }
}
