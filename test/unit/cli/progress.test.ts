import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { inTurn, withProgress } from '../../../src/cli/progress.ts';

let written: string[];
let nowMs: number;
beforeEach(() => {
  written = [];
  nowMs = 0;
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => written.push(String(text)) > 0);
  vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
});

const { isTTY, columns } = process.stderr;
afterEach(() => {
  vi.restoreAllMocks();
  Object.assign(process.stderr, { isTTY, columns });
});

/** Work on ten items, each of which takes so long. */
async function tenItems(eachMs: number): Promise<void> {
  await inTurn('judging runs', Array.from({ length: 10 }), async () => void (nowMs += eachMs));
}

describe('progress in a log', () => {
  beforeEach(() => Object.assign(process.stderr, { isTTY: false }));

  it('says nothing of what is done in a second', async () => {
    await tenItems(100);
    await withProgress('planning', async () => (nowMs += 60_000));
    expect(written).toEqual([]);
  });

  it('says nothing when nothing is left to do', async () => {
    await withProgress('judging runs', async (tick) => {
      nowMs += 60_000;
      tick(1, 1);
    });
    expect(written).toEqual([]);
  });

  it('says now and then how far it is', async () => {
    await tenItems(1000);
    expect(written).toEqual([' judging runs 1/10 ...\n', ' judging runs 6/10 ...\n']);
  });
});

describe('progress on a terminal', () => {
  beforeEach(() => Object.assign(process.stderr, { isTTY: true, columns: 24 }));

  it('is a line that changes, no wider than the screen, and is taken away', async () => {
    await tenItems(500);
    expect(written.at(0)).toBe('\r\u001B[K judging runs ...');
    expect(written.at(-2)).toBe('\r\u001B[K judging runs 9/10 ...');
    expect(written.at(-1)).toBe('\r\u001B[K');
    await withProgress('looking at what was stored', async (tick) => tick(7, null));
    expect(written.at(-2)).toBe('\r\u001B[K looking at what was s…');
  });

  it('is taken away when the work fails', async () => {
    await expect(withProgress('planning', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(written.at(-1)).toBe('\r\u001B[K');
  });
});

describe('Ctrl-C', () => {
  const press = (): void => {
    const listener = process.listeners('SIGINT').at(-1);
    process.removeListener('SIGINT', listener!);
    listener!('SIGINT');
  };

  it('ends work between two items, and keeps what was done', async () => {
    const before = process.listenerCount('SIGINT');
    const done = await inTurn('deleting', [1, 2, 3], async (item) => {
      if (item === 2) press();
      return item;
    });
    expect(done).toEqual({ result: [1, 2], isStopped: true });
    expect(process.listenerCount('SIGINT')).toBe(before);
  });

  it('is what it was before once the work is done', async () => {
    const before = process.listenerCount('SIGINT');
    expect(await inTurn('deleting', [1], async (item) => item)).toEqual({ result: [1], isStopped: false });
    expect(process.listenerCount('SIGINT')).toBe(before);
  });
});
