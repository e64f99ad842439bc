import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Executor, Finished } from '../../../src/exec/executor.ts';
import type { Exit } from '../../../src/exec/exit.ts';
import { readKernelLog, watchKernelLog } from '../../../src/lifecycle/kernel-log.ts';
import type { KernelMark } from '../../../src/lifecycle/kernel-log.ts';

type Answer = readonly string[] | Exit;

const DENIED: Exit = { kind: 'exited', code: 1 };
const GONE: Exit = { kind: 'lost', reason: 'n1 is not reachable' };

/** Something that happens once, and can be waited for. */
class Gate {
  open: () => void = () => undefined;
  readonly opened = new Promise<void>((resolve) => {
    this.open = resolve;
  });
}

/** A host whose dmesg answers this, look after look; the last answer stays. */
class Host {
  readonly #answers: Answer[];
  /** The last answer was given. */
  readonly through = new Gate();

  constructor(...answers: Answer[]) {
    this.#answers = answers;
  }

  readonly executor = {
    host: 'n1',
    run: async ({ file, args }, options): Promise<Finished> => {
      expect([file, ...args]).toEqual(['dmesg']);
      await Promise.resolve();
      options?.signal?.throwIfAborted();
      const [answer = []] = this.#answers;
      if (this.#answers.length > 1) this.#answers.shift();
      else this.through.open();
      if ('kind' in answer) {
        return { exit: answer, stdout: '', stderr: answer === DENIED ? 'dmesg: Operation not permitted\n' : '' };
      }
      return { exit: { kind: 'exited', code: 0 }, stdout: answer.map((line) => `${line}\n`).join(''), stderr: '' };
    },
  } as Executor;
}

/** What a watch reports that finds these states of a log, one after the other, since the first. */
async function watched(...answers: Answer[]): Promise<readonly string[]> {
  const host = new Host(...answers);
  const since = await readKernelLog(host.executor);
  const lines: string[] = [];
  const watch = watchKernelLog(host.executor, { since, intervalMs: 1, onLine: (line) => lines.push(line) });
  await host.through.opened;
  await watch.stop();
  return lines;
}

/** What the last look of a watch reports. */
async function lastLook(since: KernelMark, now: readonly string[]): Promise<readonly string[]> {
  const lines: string[] = [];
  await watchKernelLog(new Host(now).executor, { since, onLine: (line) => lines.push(line) }).stop();
  return lines;
}

const OLD = ['[    1.000001] booted', '[    9.000002] Out of memory: Killed process 1 (old)'];

describe('readKernelLog', () => {
  it('marks the stamp of the last stamped line', async () => {
    const log = [...OLD, '[ 4043.089326] sched: RT throttling activated', '  and what it means'];
    expect(await readKernelLog(new Host(log).executor)).toEqual({ state: 'read', stampS: 4043.089326, lines: log });
  });

  it('has no stamp where lines have none', async () => {
    expect(await readKernelLog(new Host(['eth0: up']).executor)).toMatchObject({ state: 'read', stampS: null });
    expect(await readKernelLog(new Host([]).executor)).toEqual({ state: 'read', stampS: null, lines: [] });
  });

  it('is a fact where it is not permitted, or nobody answers', async () => {
    expect([await readKernelLog(new Host(DENIED).executor), await readKernelLog(new Host(GONE).executor)])
      .toMatchInlineSnapshot(`
      [
        {
          "reason": "dmesg ended with code 1: dmesg: Operation not permitted",
          "state": "unreadable",
        },
        {
          "reason": "dmesg was lost: n1 is not reachable",
          "state": "unreadable",
        },
      ]
    `);
  });
});

describe('a watched kernel log', () => {
  it('reports what is new, once, in order', async () => {
    const log = [...OLD, '[   10.000003] a', '[   11.000004] b'];
    expect(await watched(OLD, OLD, log.slice(0, 3), log, log)).toEqual(log.slice(2));
  });

  it('never reports what was there before', async () => {
    expect(await watched(OLD, OLD)).toEqual([]);
  });

  it('reports a line of the same stamp as the last one seen', async () => {
    const log = ['[    9.000002] one', '[    9.000002] two', '[    9.000002] three'];
    expect(await watched(log.slice(0, 1), log.slice(0, 2), log)).toEqual(log.slice(1));
  });

  it('reports a line that another CPU stamped a little earlier', async () => {
    expect(await watched(OLD, [...OLD, '[    9.000001] late'])).toEqual(['[    9.000001] late']);
  });

  it('reports a line again that the kernel logs again', async () => {
    const twice = ['[   10.0] x', '[   10.0] x', '[   10.0] x'];
    expect(await watched(twice.slice(0, 1), twice)).toEqual(twice.slice(1));
    expect(await watched(['x'], ['x', 'x'], ['x', 'x', 'x'])).toEqual(['x', 'x']);
  });

  it('goes on where the ring buffer dropped its oldest lines', async () => {
    const log = ['[ 1.0] a', '[ 2.0] b', '[ 3.0] c', '[ 4.0] d', '[ 5.0] e'];
    expect(await watched(log.slice(0, 3), log.slice(1, 4), log.slice(3))).toEqual(log.slice(3));
    expect(await watched(['x', 'x', 'x', 'y'], ['x', 'x', 'y', 'z'])).toEqual(['z']);
  });

  it('reports what is there when the ring buffer turned over, or was cleared', async () => {
    expect(await watched(OLD, ['[   20.0] x', '[   21.0] y'])).toEqual(['[   20.0] x', '[   21.0] y']);
    expect(await watched(OLD, [], ['[   20.0] x'])).toEqual(['[   20.0] x']);
    expect(await watched(['a', 'b'], ['c'])).toEqual(['c']);
  });

  it('reports only the last line again when the kernel had not finished it', async () => {
    const begun = [...OLD, '[   10.0] loading'];
    const done = [...OLD, '[   10.0] loading ... done', '[   11.0] x'];
    expect(await watched(begun, done)).toEqual(done.slice(2));
    expect(await watched(['a', 'b', 'load'], ['a', 'b', 'loading', 'c'])).toEqual(['loading', 'c']);
  });

  it('does not blame the run for old lines when the log was rewritten', async () => {
    const rewritten = ['[    1.0] booted', '[    9.0] Out of memory: Killed process 1 (old)', '  of it', '[   10.0] x'];
    expect(await watched(OLD, rewritten)).toEqual(['[   10.0] x']);
    expect(await watched(OLD, rewritten.slice(0, 3))).toEqual([]);
  });

  it('makes up for looks that failed', async () => {
    expect(await watched(OLD, GONE, DENIED, [...OLD, '[   10.0] x'])).toEqual(['[   10.0] x']);
    expect(await watched(OLD, [...OLD, '[   10.0] x'], GONE)).toEqual(['[   10.0] x']);
    expect(await watched(OLD, GONE)).toEqual([]);
  });

  it('counts nothing as new before it knows what is old', async () => {
    expect(await watched(DENIED, OLD)).toEqual([]);
    expect(await watched(DENIED, OLD, [...OLD, '[   10.0] x'])).toEqual(['[   10.0] x']);
  });

  it('looks once more when it is stopped, and never again', async () => {
    const host = new Host(OLD, [...OLD, '[   10.0] x'], [...OLD, '[   10.0] x', '[   11.0] y']);
    const since = await readKernelLog(host.executor);
    const lines: string[] = [];
    const watch = watchKernelLog(host.executor, { since, intervalMs: 1_000_000, onLine: (line) => lines.push(line) });
    await Promise.all([watch.stop(), watch.stop()]);
    expect(lines).toEqual(['[   10.0] x']);
  });

  it('is not held up by a look that hangs when it is stopped', async () => {
    const lines: string[] = [];
    const isLooking = new Gate();
    let looks = 0;
    const executor = {
      run: (_command, options): Promise<Finished> => {
        looks += 1;
        if (looks > 1) return new Host([...OLD, '[   10.0] x']).executor.run({ file: 'dmesg', args: [] });
        isLooking.open();
        return new Promise((_resolve, reject) => {
          options?.signal?.addEventListener('abort', () => reject(new Error('aborted')), { once: true });
        });
      },
    } as Executor;
    const since: KernelMark = { state: 'read', stampS: 9.000002, lines: OLD };
    const watch = watchKernelLog(executor, { since, intervalMs: 1, onLine: (line) => lines.push(line) });
    await isLooking.opened;
    await watch.stop();
    expect(lines).toEqual(['[   10.0] x']);
  });

  it('reports all that a ring buffer still holds, whatever repeats in it', async () => {
    const texts = fc.array(fc.constantFrom('x', 'y'), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 8 }), texts, texts, async (capacity, before, after) => {
        const all = [...before, ...after].map((text, index) => `[${(index + 1).toFixed(6).padStart(12)}] ${text}`);
        const seen = all.slice(0, before.length).slice(-capacity);
        const since = await readKernelLog(new Host(seen).executor);
        const held = all.slice(-capacity);
        expect(await lastLook(since, held)).toEqual(all.slice(before.length).slice(-capacity));
      }),
    );
  });

  it('reports all that is added to a log without stamps, whatever repeats in it', async () => {
    const texts = fc.array(fc.constantFrom('x', 'y'), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(texts, texts, async (before, after) => {
        const since = await readKernelLog(new Host(before).executor);
        expect(await lastLook(since, [...before, ...after])).toEqual(after);
      }),
    );
  });
});
