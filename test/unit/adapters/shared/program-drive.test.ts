import { describe, expect, it } from 'vitest';
import { programAdapter } from '../../../../src/adapters/shared/program-adapter.ts';
import type { Drive, Program } from '../../../../src/adapters/shared/program.ts';
import type { Manifest } from '../../../../src/evidence/manifest.ts';
import { readManifest } from '../../../../src/evidence/run-reader.ts';
import { readOwnManifest } from '../../../../src/evidence/run-writer.ts';
import type { RunningProcess } from '../../../../src/exec/executor.ts';
import { runJob } from '../../../../src/lifecycle/job.ts';
import type { Readiness } from '../../../../src/lifecycle/ready.ts';
import { DEMO_CONFIG } from '../../demo-config.ts';
import { contextOf } from '../../lifecycle/job-bench.ts';
import { startedRun } from '../../started-run.ts';

const CONFIG = `${DEMO_CONFIG}timeouts: {launch: 20s, inactivity: 20s, total: 30s}\n`;
const RUNNING: ReturnType<Drive['status']> = {
  state: 'running',
  mark: 1,
  progress: { done: 1, total: 2, unit: 'req', rate: '' },
};

/** Runs a server and work that this process does itself; `program` is what the server does. */
async function drive(
  work: (signal: AbortSignal, url: string) => Drive,
  program = 'setInterval(() => {}, 1000)',
  readiness: Readiness = { kind: 'log', pattern: /serving/ },
): Promise<Manifest> {
  const request = startedRun(CONFIG);
  const context = contextOf(request);
  const plan: Program['plan'] = () => ({
    servers: [
      {
        role: 'server',
        after: [],
        hosts: ['localhost'],
        command: () => ({ file: process.execPath, args: ['-e', `console.log("serving"); ${program}`] }),
        readiness,
      },
    ],
    workers: [],
    results: [],
    drive: (_context, servers, signal) => {
      expect(servers.map(({ role }) => role)).toEqual(['server']);
      return work(signal, servers[0]?.url ?? '');
    },
  });
  const adapter = programAdapter({
    plan,
    watch: () => ({ line: () => undefined, status: () => RUNNING }),
    parse: async () => ({ scalars: {}, applied: {}, frameworkVersions: {}, startedAtMs: null, durationMs: null }),
  });
  await runJob(adapter, context, {
    manifest: readOwnManifest(request.folder),
    listener: { onPhase: () => undefined, onWait: () => undefined },
  });
  await context.hosts.close();
  return readManifest(request.folder);
}

/** Asks until nobody answers. */
async function lossOf(url: string): Promise<void> {
  const isThere = await fetch(url).then(
    () => true,
    () => false,
  );
  if (isThere) await lossOf(url);
}

/** Work that lasts until it is told to end. */
const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((ended) => signal.addEventListener('abort', () => ended(), { once: true }));

describe('work that this process does itself', () => {
  it('is the run: it is over when the work is', async () => {
    let isDone = false;
    const manifest = await drive(() => ({
      status: () => RUNNING,
      done: Promise.resolve().then(() => {
        isDone = true;
      }),
    }));
    expect([manifest.phases.await?.status, manifest.failure?.category, isDone]).toEqual([
      'ok',
      'verification_failure',
      true,
    ]);
  });

  it('is ended with the run that it breaks', async () => {
    let isEnded = false;
    const manifest = await drive((signal) => ({
      status: () => ({ state: 'broken', predicate: 'error_rate', detail: '9 of 9 failed', evidence: ['refused'] }),
      done: untilAborted(signal).then(() => {
        isEnded = true;
      }),
    }));
    expect(manifest).toMatchObject({
      status: 'failed_safety',
      failure: { message: 'error_rate: 9 of 9 failed', evidence: ['refused'] },
    });
    expect(isEnded).toBe(true);
  });

  it('is not blamed for a server that nobody reaches, and whose end is told later than what was lost', async () => {
    const dying = `const server = require('node:http').createServer(({ url }, response) => {
      response.end();
      if (url !== '/die') return;
      server.close();
      server.closeAllConnections();
      setTimeout(() => process.exit(3), 1500);
    });
    server.listen(0, '127.0.0.1', () => console.log('at http://127.0.0.1:' + server.address().port));`;
    const urlIn = (lines: readonly string[]): string | null => /at (http:\S+)/.exec(lines.join('\n'))?.[1] ?? null;
    const readiness = { kind: 'http', url: (server: RunningProcess) => urlIn(server.tail(9)), path: '/' } as const;
    let status: ReturnType<Drive['status']> = RUNNING;
    const work = (signal: AbortSignal, url: string): Drive => {
      void lossOf(`${url}/die`).then(() => {
        status = { state: 'broken', predicate: 'error_rate', detail: '9 of 9 failed', evidence: [] };
      });
      return { status: () => status, done: untilAborted(signal) };
    };
    const { failure } = await drive(work, dying, readiness);
    expect(failure?.message).toBe('server_alive: server on localhost ended with code 3 while it was needed');
  });

  it('is ended with a server that falls', async () => {
    const work = (signal: AbortSignal): Drive => ({ status: () => RUNNING, done: untilAborted(signal) });
    const manifest = await drive(work, 'setTimeout(() => process.exit(3), 50)');
    expect(manifest).toMatchObject({ status: 'failed_safety' });
    expect(manifest.failure?.message).toContain('server_alive: server on localhost ended with code 3');
  });
});
