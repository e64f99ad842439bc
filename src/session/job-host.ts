import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { messageOf } from '../core/errors.ts';
import { appendToCatalog } from '../evidence/catalog.ts';
import { readOwnManifest, RunWriter } from '../evidence/run-writer.ts';
import type { Manifest } from '../evidence/manifest.ts';
import { Interruption, runJob } from '../lifecycle/job.ts';
import { JobContext } from '../lifecycle/context.ts';
import type { RunRequest } from '../lifecycle/adapter.ts';
import type { JobMessage } from './job-messages.ts';
import { frameworks } from './registry.ts';

// The process that runs one cell. It reads its request from the first line of
// stdin; the end of stdin means that whoever asked is gone, so the run is torn
// down. Its own output goes to the run's logs; what it reports goes to fd 3.

const REPORT_FD = 3;
const reports = createWriteStream('', { fd: REPORT_FD });
// The reader may be gone; the run's evidence is on disk all the same.
reports.on('error', () => undefined);

function report(message: JobMessage): void {
  reports.write(`${JSON.stringify(message)}\n`);
}

async function run(line: string, abort: AbortController): Promise<void> {
  const request = JSON.parse(line) as RunRequest;
  const create = frameworks.find(({ spec }) => spec.name === request.cell.workload.framework)?.create ?? null;
  if (create === null) throw new Error(`no adapter for ${request.cell.workload.framework}`);
  const writer = new RunWriter(request.folder);
  const context = new JobContext({
    request,
    writer,
    abort,
    report: (progress) => report({ type: 'progress', progress }),
  });
  const manifest = withHosts(readOwnManifest(request.folder), context);
  const finished = await runJob(create(), context, {
    manifest,
    onPhase: (phase) => report({ type: 'phase', phase }),
  });
  try {
    appendToCatalog(request.artifacts, request.folder, finished);
  } catch {
    // It only speeds up exports and can be rebuilt from the manifests; the run is
    // over and its logs are hashed, so there is no place in it to say so.
  }
  report({ type: 'finished', status: finished.status });
}

function withHosts(manifest: Manifest, context: JobContext): Manifest {
  const rolesByHost = new Map<string, string[]>();
  for (const [role, hosts] of Object.entries(manifest.bindings)) {
    for (const host of hosts) rolesByHost.set(host, [...(rolesByHost.get(host) ?? []), role]);
  }
  const hosts = [...rolesByHost].map(([host, roles]) => ({
    hostname: host,
    roles,
    fingerprint: { ...context.executor(host).fingerprint() },
  }));
  return { ...manifest, hosts };
}

function main(): void {
  const abort = new AbortController();
  const end = (reason: string): void => abort.abort(new Interruption(reason));
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => end(`received ${signal}`));
  // What a callback throws ends the run with that as its cause; the first one wins.
  const fail = (thrown: unknown): void => abort.abort(thrown instanceof Error ? thrown : new Error(messageOf(thrown)));
  process.on('uncaughtException', fail);
  process.on('unhandledRejection', fail);
  const lines = createInterface({ input: process.stdin });
  lines.once('line', (line) => {
    run(line, abort)
      .catch((thrown: unknown) => {
        process.stderr.write(`${thrown instanceof Error ? thrown.stack : messageOf(thrown)}\n`);
        process.exitCode = 1;
      })
      .finally(() => {
        process.stdin.destroy();
        // Work that an aborted run left behind may hold the process; nothing it does matters any more.
        reports.end(() => process.exit());
      });
  });
  lines.once('close', () => end('the session that asked for this run is gone'));
}

main();
