import { chmodSync, mkdirSync, mkdtempSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import type { Phase } from '../../src/evidence/failure.ts';
import { listLive, noteLive } from '../../src/evidence/store/live-runs.ts';
import type { RunRequest } from '../../src/lifecycle/adapter.ts';
import type * as JobClient from '../../src/session/job-client.ts';
import type { RunEnd } from '../../src/session/job-messages.ts';
import { planSession } from '../../src/session/plan.ts';
import { frameworks } from '../../src/session/registry.ts';
import { newRun, startRun } from '../../src/session/start-run.ts';
import { ONE_CELL } from '../e2e/project.ts';
import { sessionOptions } from '../unit/session-options.ts';
import type { OpenEngine } from './failure-engines.ts';

// As it is built: a job host is started from a file beside the client's.
const client = (await import(new URL('../../dist/session/job-client.js', import.meta.url).href)) as typeof JobClient;

/** How a job host is started, and what happens to it. */
export interface HostedOptions {
  /** Of the embedded workload. */
  readonly config?: string;
  /** Of the job host. */
  readonly env?: Readonly<Record<string, string>>;
  /** A folder for its artifacts; a fresh one by default. */
  readonly artifacts?: string;
  /** How many files it may have open from its start on. */
  readonly files?: number;
  readonly onPhase?: (phase: Phase, host: { readonly pid: number; readonly request: RunRequest }) => void;
}

/** What became of a run in a process of its own. */
export interface Hosted {
  readonly request: RunRequest;
  /** What the session is told: the end, or why there is none. */
  readonly end: RunEnd | { readonly error: Error };
}

/** Runs the embedded workload in a job host of its own, the way a session does. */
export async function runHosted({ on }: Pick<OpenEngine, 'on'>, options: HostedOptions): Promise<Hosted> {
  const { config = ONE_CELL, env = {}, files, onPhase = () => undefined } = options;
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'hosted-')));
  writeFileSync(join(root, 'quick.yaml'), config);
  const plan = planSession(sessionOptions({ root, artifacts: options.artifacts ?? join(root, 'runs') }), frameworks);
  const hosts = { server: on.nodes.slice(0, 1).map(({ name }) => name) };
  const spec = {
    ...on,
    nodes: on.nodes.slice(0, 1),
    isExclusive: true,
    timeLimitMs: 600_000,
    session: root,
    task: null,
  };
  const request = newRun(plan.cells[0]!, { hosts, on: spec, artifacts: plan.artifacts });
  mkdirSync(request.artifacts, { recursive: true });
  noteLive(request.artifacts, client.noteOf(request));
  startRun(request);
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  const jobHost = startJobHost(request, files === undefined ? null : limitedNode(root, files));
  const onMessage: JobClient.JobListener['onMessage'] = (message) => {
    if (message.type !== 'phase') return;
    onPhase(message.phase, { pid: listLive(request.artifacts)[0]?.holder.pid ?? 0, request });
  };
  const end = await jobHost.run(request, { onMessage, mayKeep: () => false }).catch((error: Error) => ({ error }));
  await jobHost.close();
  vi.unstubAllEnvs();
  return { request, end };
}

function startJobHost(request: RunRequest, program: string | null): JobClient.JobHostProcess {
  const { execPath } = process;
  try {
    process.execPath = program ?? execPath;
    return new client.JobHostProcess(request);
  } finally {
    process.execPath = execPath;
  }
}

/** A node that may have only so many files open. */
function limitedNode(folder: string, files: number): string {
  const path = join(folder, 'node');
  writeFileSync(path, `#!/bin/sh\nulimit -n ${files}\nexec '${process.execPath}' "$@"\n`);
  chmodSync(path, 0o755);
  return path;
}
