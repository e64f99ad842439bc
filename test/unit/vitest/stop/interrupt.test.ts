import { EventEmitter } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createVitest } from 'vitest/node';
import { SignalGate } from '../../../../src/vitest/stop/interrupt.ts';

function setUp() {
  const heard: string[] = [];
  const source = new EventEmitter();
  const gate = new SignalGate(source, (signal) => heard.push(`ours ${signal}`));
  return { heard, source, gate };
}

describe('SignalGate', () => {
  it('keeps the signals from Vitest while it has them, and from nobody else', () => {
    const { heard, source, gate } = setUp();
    const onExit = (signal: string) => void heard.push(`vitest ${signal}`);
    for (const name of ['SIGINT', 'SIGTERM']) {
      source.once(name, onExit);
      source.on(name, (signal) => void heard.push(`other ${signal}`));
    }
    expect(gate.take()).toBe(2);
    for (const name of ['SIGINT', 'SIGTERM', 'SIGINT']) source.emit(name, name);
    expect(heard).toEqual([
      'other SIGINT',
      'ours SIGINT',
      'other SIGTERM',
      'ours SIGTERM',
      'other SIGINT',
      'ours SIGINT',
    ]);
  });

  it('gives them back as they were, once', () => {
    const { heard, source, gate } = setUp();
    const onExit = (signal: string) => void heard.push(`vitest ${signal}`);
    source.once('SIGINT', onExit);
    gate.take();
    gate.take();
    gate.giveBack();
    gate.giveBack();
    source.emit('SIGINT', 'SIGINT');
    source.emit('SIGINT', 'SIGINT');
    expect(heard).toEqual(['vitest SIGINT']);
    expect(source.listenerCount('SIGTERM')).toBe(0);
  });

  it('does without a listener of Vitest', () => {
    const { heard, source, gate } = setUp();
    expect(gate.take()).toBe(0);
    source.emit('SIGTERM', 'SIGTERM');
    expect(heard).toEqual(['ours SIGTERM']);
    gate.giveBack();
    expect(source.listenerCount('SIGTERM')).toBe(0);
  });

  it('finds what the installed Vitest listens with', async () => {
    const gate = new SignalGate(process, () => undefined);
    const vitest = await createVitest('test', { watch: false, config: false, reporters: [] });
    onTestFinished(() => vitest.close());
    const count = gate.take();
    gate.giveBack();
    expect(count).toBe(2);
  });
});
