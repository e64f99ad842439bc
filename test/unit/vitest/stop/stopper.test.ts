import { EventEmitter } from 'node:events';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { LiveCells } from '../../../../src/vitest/live/live-cells.ts';
import { Stopper } from '../../../../src/vitest/stop/stopper.ts';
import { plannedCell } from '../planned-cell.ts';

/** Two cells under load whose teardown ends when a test says so. */
function setUp({ forcedMs = 60_000, isTerminal = false } = {}) {
  const log: string[] = [];
  let noteLeft: () => void = () => undefined;
  const left = new Promise<void>((resolve) => {
    noteLeft = resolve;
  });
  const [signals, keys] = [new EventEmitter(), new EventEmitter()];
  const stopper = new Stopper({
    signals,
    keys: () => keys,
    isTerminal: () => isTerminal,
    forcedMs,
    endWith: (code) => void log.push(`ends with ${code}`),
    leave: (code) => {
      log.push(`leaves with ${code}`);
      noteLeft();
    },
  });
  const vitest = {
    cancelCurrentRun: async () => void log.push('cancel'),
    exit: async () => void log.push('exit'),
  };
  const cells = new LiveCells(() => stopper.update());
  const endings = new Map<string, () => void>();
  const ends = ['a', 'b'].map((name) => {
    const planned = plannedCell(name);
    return () =>
      cells.track(name, async () => {
        cells.onEvent({ type: 'started', planned, folder: '' });
        cells.onEvent({ type: 'phase', planned, phase: 'await' });
        await new Promise<void>((resolve) => endings.set(name, resolve));
        cells.onEvent({ type: 'ended', planned, folder: '', status: 'interrupted' });
      });
  });
  let outcomes: Promise<unknown> = Promise.resolve();
  const session = {
    vitest,
    cells,
    stop: async () => {
      log.push('stop');
      await outcomes;
    },
    force: async () => {
      log.push('force');
      await outcomes;
    },
    print: (line: string) => void log.push(line.trim()),
  };
  stopper.add(session);
  const run = () => {
    outcomes = Promise.all(ends.map((start) => start()));
  };
  const end = (name: string) => endings.get(name)?.();
  return { stopper, session, signals, keys, log, run, end, left, outcomes: () => outcomes };
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise(setImmediate);
}

describe('Stopper', () => {
  it('stops the runs, tells what it waits for whenever one ends, and leaves when all are gone', async () => {
    const { signals, log, run, end } = setUp();
    run();
    signals.emit('SIGINT', 'SIGINT');
    await settled();
    expect(log).toEqual([
      'ends with 130',
      '■ stopping: a (await, 0 s), b (await, 0 s) - Ctrl-C again to force',
      'stop',
      'cancel',
    ]);
    log.length = 0;
    end('b');
    await settled();
    expect(log).toEqual(['■ stopping: a (await, 0 s) - Ctrl-C again to force']);
    log.length = 0;
    end('a');
    await settled();
    expect(log).toEqual(['exit']);
  });

  it('leaves signals and keys to Vitest before the first and after the last cell', async () => {
    const { signals, keys, log, run, end, outcomes } = setUp();
    const onExit = (): void => void log.push('vitest');
    signals.once('SIGTERM', onExit);
    run();
    expect(signals.listeners('SIGTERM')).not.toContain(onExit);
    end('a');
    end('b');
    await outcomes();
    signals.emit('SIGTERM', 'SIGTERM');
    keys.emit('keypress', '\u0003', {});
    await settled();
    expect(log).toEqual(['vitest']);
    expect(signals.listenerCount('SIGINT')).toBe(0);
    expect(keys.listenerCount('keypress')).toBe(0);
  });

  it('counts a signal that this process and its parent both heard as one', async () => {
    const { stopper, signals, log, run } = setUp();
    expect(stopper.hear('SIGINT', 'parent')).toBe(false);
    run();
    expect(stopper.hear('SIGINT', 'parent')).toBe(true);
    signals.emit('SIGINT', 'SIGINT');
    expect(log.filter((line) => line === 'stop' || line === 'force')).toEqual(['stop']);
    signals.emit('SIGINT', 'SIGINT');
    stopper.hear('SIGINT', 'parent');
    expect(log.filter((line) => line === 'stop' || line === 'force')).toEqual(['stop', 'force']);
  });

  it('stops when the parent dies, and forces nothing when it dies after a Ctrl-C', async () => {
    const first = setUp();
    expect(first.stopper.orphaned()).toBe(false);
    first.run();
    expect(first.stopper.orphaned()).toBe(true);
    expect(first.log).toContain('ends with 143');
    const second = setUp();
    second.run();
    second.signals.emit('SIGINT', 'SIGINT');
    expect(second.stopper.orphaned()).toBe(true);
    expect(second.log).not.toContain('force');
  });

  it('does not cancel what Vitest cancels itself: the key in watch mode', async () => {
    const { keys, log, run, end } = setUp();
    run();
    keys.emit('keypress', 'c', { name: 'c', ctrl: false });
    expect(log).toEqual([]);
    keys.emit('keypress', '\u0003', { name: 'c', ctrl: true });
    end('a');
    end('b');
    await settled();
    expect(log).toContain('stop');
    expect(log).not.toContain('cancel');
    expect(log).not.toContain('exit');
  });
});

describe('a second Ctrl-C', () => {
  it('ends the job hosts, and leaves when that is done', async () => {
    const { signals, log, run, end } = setUp();
    run();
    signals.emit('SIGTERM', 'SIGTERM');
    log.length = 0;
    signals.emit('SIGINT', 'SIGINT');
    await settled();
    expect(log).toEqual(['force']);
    end('a');
    end('b');
    await settled();
    expect(log.filter((line) => line !== 'exit')).toEqual(['force', 'leaves with 143']);
  });

  it('names what it did not see end in time', async () => {
    const { signals, log, run, end, left } = setUp({ forcedMs: 0 });
    run();
    signals.emit('SIGINT', 'SIGINT');
    end('a');
    await settled();
    signals.emit('SIGINT', 'SIGINT');
    await left;
    expect(log).toContain('■ forced: b not seen to end - `assay reap` finds what is left');
    expect(log.at(-1)).toBe('leaves with 130');
  });

  it('waits for nothing when a third follows', () => {
    const { signals, log, run } = setUp();
    run();
    for (let press = 0; press < 3; press += 1) signals.emit('SIGINT', 'SIGINT');
    expect(log.slice(-2)).toEqual(['force', 'leaves with 130']);
  });
});

describe('on a terminal', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('what is waited for is told from time to time, and once where it has no name', () => {
    vi.useFakeTimers({ toFake: ['setInterval'] });
    const named = setUp({ isTerminal: true });
    named.run();
    named.signals.emit('SIGINT', 'SIGINT');
    vi.advanceTimersByTime(12_000);
    expect(named.log.filter((line) => line.startsWith('■ stopping: a (await'))).toHaveLength(3);
    const nameless = setUp({ isTerminal: true });
    void nameless.session.cells.track('c', () => new Promise(() => undefined));
    nameless.signals.emit('SIGINT', 'SIGINT');
    vi.advanceTimersByTime(12_000);
    expect(nameless.log.filter((line) => line.startsWith('■'))).toEqual(['■ stopping - Ctrl-C again to force']);
  });
});

describe('a Vitest that closes while runs are live', () => {
  it('waits for them and says so, and nothing of it is left for the next session', async () => {
    const { stopper, session, signals, log, run, end } = setUp();
    run();
    const closed = stopper.close(session);
    expect(log).toEqual(['■ stopping: a (await, 0 s), b (await, 0 s)', 'stop']);
    end('a');
    end('b');
    await closed;
    expect(stopper.isStopping).toBe(false);
    expect(signals.listenerCount('SIGINT')).toBe(0);
  });
});
