import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { CellOutcome } from '../../../src/session/scheduler.ts';
import { Broker } from '../../../src/vitest/broker.ts';
import { connectToBroker } from '../../../src/vitest/broker-client.ts';

const ran = (folder: string): CellOutcome => ({ state: 'ran', folder, status: 'passed' });

async function open(request: (cell: string) => Promise<CellOutcome>): Promise<Broker> {
  const broker = await Broker.open(request);
  onTestFinished(() => broker.close());
  return broker;
}

describe('Broker', () => {
  it('answers every worker with the outcome of the cells it asked for', async () => {
    const broker = await open((cell) =>
      cell === 'bad' ? Promise.reject(new Error('no such cell')) : Promise.resolve(ran(cell)),
    );
    const [first, second] = [connectToBroker(broker.socket), connectToBroker(broker.socket)];
    first.prefetch(['a', 'bad']);
    second.prefetch(['a']);
    expect(await first.outcome('a')).toEqual(ran('a'));
    expect(await second.outcome('a')).toEqual(ran('a'));
    expect(await first.outcome('bad')).toEqual({ state: 'unknown', reason: 'no such cell' });
  });

  it('tells waiting workers when it goes, and leaves no socket behind', async () => {
    const broker = await Broker.open(() => new Promise(() => undefined));
    const client = connectToBroker(broker.socket);
    client.prefetch(['slow']);
    const outcome = client.outcome('slow');
    // The connection must stand before it can be lost.
    await new Promise(setImmediate);
    broker.close();
    expect(await outcome).toEqual({ state: 'unknown', reason: 'the session that runs the cells is gone' });
    expect(existsSync(dirname(broker.socket))).toBe(false);
  });

  it('leaves nothing in the process that goes on without it', async () => {
    const before = process.listenerCount('exit');
    const broker = await Broker.open(() => new Promise(() => undefined));
    expect(process.listenerCount('exit')).toBe(before + 1);
    broker.close();
    expect(process.listenerCount('exit')).toBe(before);
  });

  it('removes the socket of a process that was killed, and none to which somebody listens', async () => {
    const live = await open(() => new Promise(() => undefined));
    const dead = join(mkdtempSync(join(tmpdir(), 'assay-')), 'broker.sock');
    const listener = spawn(
      process.execPath,
      ['-e', `require('node:net').createServer().listen(${JSON.stringify(dead)}, () => console.log('up'))`],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    await once(listener.stdout, 'data');
    listener.kill('SIGKILL');
    await once(listener, 'exit');
    expect(existsSync(dead)).toBe(true);
    await open(() => new Promise(() => undefined));
    expect([existsSync(dirname(dead)), existsSync(live.socket)]).toEqual([false, true]);
  });

  it('outlives a worker that is killed with answers on their way', async () => {
    let answer: (outcome: CellOutcome) => void = () => undefined;
    let noteAsked: () => void = () => undefined;
    const asked = new Promise<void>((resolve) => {
      noteAsked = resolve;
    });
    const broker = await open((cell) => {
      if (cell === 'fine') return Promise.resolve(ran('fine'));
      noteAsked();
      return new Promise((settle) => {
        answer = settle;
      });
    });
    const worker = spawn(process.execPath, [
      '-e',
      `const s = require('node:net').createConnection(${JSON.stringify(broker.socket)}); s.pause(); s.write('{"cells":["slow"]}\\n')`,
    ]);
    await asked;
    worker.kill('SIGKILL');
    await once(worker, 'exit');
    answer(ran('slow'));
    const other = connectToBroker(broker.socket);
    other.prefetch(['fine']);
    expect(await other.outcome('fine')).toEqual(ran('fine'));
  });

  it('says so when nobody listens', async () => {
    const client = connectToBroker('/nowhere/broker.sock');
    expect(await client.outcome('a')).toEqual({ state: 'unknown', reason: 'the session that runs the cells is gone' });
  });
});
