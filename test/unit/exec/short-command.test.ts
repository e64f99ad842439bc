import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { Finished, RunOptions } from '../../../src/exec/executor.ts';
import { localCarrier, runLocal } from '../../../src/exec/local.ts';
import { remoteExecutor } from '../../../src/exec/remote.ts';
import { resultOf } from '../../../src/exec/short-command.ts';

/** Leaves a process behind that holds both pipes open, and is waited for by this test if by anybody. */
const LEAVES = 'sleep 600 & echo "$!"; echo err >&2;';

/** What came of a shell script; what it left is ended then, and must have been there until then. */
async function run(runner: typeof runLocal, script: string, options: RunOptions = {}): Promise<Finished> {
  const finished = await runner({ file: '/bin/sh', args: ['-c', `${LEAVES} ${script}`] }, options);
  process.kill(Number(finished.stdout), 'SIGKILL');
  return finished;
}

describe.each([
  ['on this machine', runLocal],
  ['over a carrier', (...asked: Parameters<typeof runLocal>) => remoteExecutor(localCarrier('n1')).run(...asked)],
])('a short command %s', (_, runner) => {
  it('is over when it is, whatever it has left behind', async () => {
    expect(await run(runner, 'exit 3')).toMatchObject({ exit: { kind: 'exited', code: 3 }, stderr: 'err\n' });
  });
});

describe('a short command of this machine', () => {
  it('is over when it was ended, whatever it has left behind', async () => {
    const reason = '/bin/sh gave no answer within 0.2 s';
    expect(await run(runLocal, 'wait', { timeoutMs: 200 })).toMatchObject({ exit: { kind: 'lost', reason } });
  });
});

/** A command that is stuck in the kernel. */
function stuck() {
  const streams = { stdout: new PassThrough(), stderr: new PassThrough() };
  const state = { isWaitedFor: true };
  const child = { ...streams, once: () => undefined, unref: () => void (state.isWaitedFor = false) };
  return { command: Object.assign(new Promise<string>(() => undefined), child), streams, state };
}

describe('resultOf', () => {
  it.each([
    ['its time is over', 1, () => undefined],
    ['it is aborted', 600_000, (abort: AbortController) => abort.abort()],
  ])('gives up what cannot be killed when %s, and keeps nobody waiting for it', async (_, timeoutMs, end) => {
    const { command, streams, state } = stuck();
    const abort = new AbortController();
    const result = resultOf(command, { timeoutMs, killedMs: 1, signal: abort.signal });
    end(abort);
    expect(await result).toBeNull();
    expect([state.isWaitedFor, streams.stdout.destroyed, streams.stderr.destroyed]).toEqual([false, true, true]);
  });
});
