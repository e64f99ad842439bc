import { describe, expect, it, onTestFinished } from 'vitest';
import type { ProcessId, RunningProcess } from '../../../src/exec/executor.ts';
import { hostsOf } from '../../../src/exec/open-hosts.ts';
import { localExecutor } from '../../../src/exec/local.ts';
import type { LaunchedRole, RunContext } from '../../../src/lifecycle/adapter.ts';
import { KeptServers } from '../../../src/lifecycle/kept-servers.ts';
import { DEMO_CONFIG } from '../demo-config.ts';
import { startedRun } from '../started-run.ts';
import { contextOf, runQuietly, Serving } from './job-bench.ts';

const CONFIG = `${DEMO_CONFIG}enforce: false\n`;

// On SIGHUP it leaves a process in a session of its own, which no stop of the server reaches.
const FORKS = `
  process.on('SIGHUP', () => {
    const child = require('node:child_process').spawn('sleep', ['600'], { detached: true, stdio: 'ignore' });
    child.unref();
    console.log('forked');
  });
  console.log('up');
  setInterval(() => {}, 1000);
`;
const COMMAND = { file: process.execPath, args: ['-e', FORKS] };

async function fork({ launched: [server] }: RunContext): Promise<void> {
  const forked = new Promise<void>((resolve) => server!.process.onLine((line) => line === 'forked' && resolve()));
  process.kill(server!.process.id.pid, 'SIGHUP');
  await forked;
}

describe('a server that a run took over', () => {
  it.each([
    ['is used again and ended', COMMAND],
    ['is ended for another', { ...COMMAND, env: { OTHER: 'yes' } }],
  ])('leaves nothing behind when it %s', async (...[what, command]) => {
    const kept = new KeptServers();
    const [first, second] = [startedRun(CONFIG), startedRun(CONFIG)];
    const hosts = hostsOf(first.on, first.runId);
    onTestFinished(() => hosts.close());
    const before = await runQuietly(
      new Serving(COMMAND),
      contextOf(first, { hosts, kept, maySucceed: async () => true }),
    );
    expect(before.teardown).toEqual({ orphans: 0, kept: true, unconfirmed: [], error: null });
    const server = kept.idsOf(first.runId, 'localhost');
    expect(server).toEqual([{ kind: 'process', pid: before.launches[0]?.pid }]);

    const isReused = what.startsWith('is used');
    const context = contextOf(second, { hosts, kept });
    if (!isReused) await forkBy(kept, first.runId);
    const after = await runQuietly(new Serving(command, isReused ? fork : undefined), context);
    expect(after.launches).toMatchObject([{ reused_from: isReused ? first.runId : null }]);
    expect(after.teardown).toEqual({ orphans: 1, kept: false, unconfirmed: [], error: null });
    expect(await localExecutor('localhost').findLabelled(first.runId)).toEqual([]);
    expect(await localExecutor('localhost').findLabelled(second.runId)).toEqual([]);
  });
});

/** Lets a kept server fork between two runs. */
async function forkBy(kept: KeptServers, runId: string): Promise<void> {
  const [id] = kept.idsOf(runId, 'localhost');
  process.kill(id!.pid, 'SIGHUP');
  await expect.poll(() => localExecutor('localhost').findLabelled(runId)).toHaveLength(2);
}

describe('KeptServers', () => {
  const command = { file: 'serve', args: [] };
  const wanted = { role: 'server', host: 'n1', command, image: 'sha256:1' };
  const inImage = (image: string): ProcessId => ({ kind: 'container', id: 'c1', pid: 1, image });

  it('hands a container over only to a run with the very same image', async () => {
    const { kept } = keeping(inImage('sha256:1'));
    expect(await kept.take(wanted)).toMatchObject({ reusedFrom: 'run-1' });
    const { kept: moved, stopped } = keeping(inImage('sha256:1'));
    expect(await moved.take({ ...wanted, image: 'sha256:2' })).toBeNull();
    expect(stopped()).toBe(true);
  });

  it('hands a server over only to a run that lets it write into the same folders', async () => {
    const { kept, stopped } = keeping(inImage('sha256:1'));
    expect(await kept.take({ ...wanted, command: { ...command, writes: ['/tmp/run-2'] } })).toBeNull();
    expect(stopped()).toBe(true);
  });

  it('never hands a process of the host over to a run with an image', async () => {
    expect(await keeping({ kind: 'process', pid: 1 }).kept.take(wanted)).toBeNull();
    expect(await keeping({ kind: 'process', pid: 1 }).kept.take({ ...wanted, image: null })).not.toBeNull();
  });

  it('keeps what nobody took beside what is kept now', () => {
    const { kept, launched } = keeping(inImage('sha256:1'));
    kept.keep([{ ...launched, host: 'n2' }], 'run-2');
    expect(kept.startedBy()).toEqual(['run-1', 'run-2']);
    expect(kept.idsOf('run-1', 'n1')).toHaveLength(1);
    expect(kept.idsOf('run-1', 'n2')).toEqual([]);
  });

  function keeping(id: ProcessId): { kept: KeptServers; launched: LaunchedRole; stopped: () => boolean } {
    let isStopped = false;
    const usage = { cpuSeconds: null, peakRssBytes: null };
    const server: RunningProcess = {
      id,
      exited: new Promise(() => undefined),
      exit: () => null,
      tail: () => [],
      onLine: () => () => undefined,
      redirect: async () => undefined,
      logError: () => null,
      usage: async () => usage,
      stop: async () => {
        isStopped = true;
        return { kind: 'exited', code: 0 };
      },
    };
    const launched = { role: 'server', host: 'n1', command, process: server, reusedFrom: null, usageBefore: usage };
    const kept = new KeptServers();
    kept.keep([launched], 'run-1');
    return { kept, launched, stopped: () => isStopped };
  }
});
