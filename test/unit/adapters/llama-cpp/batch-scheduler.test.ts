import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BatchScheduler, TaskRefused, type BatchTask } from '../../../../src/adapters/llama-cpp/batch-scheduler.ts';

interface Slot {
  readonly name: string;
  /** Who has written into this slot since it was cleared. */
  readonly writers: Set<string>;
}

interface Bench {
  readonly scheduler: BatchScheduler<Slot>;
  readonly steps: string[];
  readonly task: (name: string, steps: number) => BatchTask<Slot>;
}

const never = new AbortController().signal;

function bench(slots: number, maxWaiting = 100, clear?: () => Promise<void>): Bench {
  const steps: string[] = [];
  return {
    steps,
    scheduler: new BatchScheduler<Slot>({
      slots: Array.from({ length: slots }, (_, index) => ({ name: `slot${index}`, writers: new Set() })),
      maxWaiting,
      clear: async (slot) => {
        await clear?.();
        slot.writers.clear();
      },
    }),
    task: (name, length) => {
      let done = 0;
      return {
        step: async (slot) => {
          slot.writers.add(name);
          expect([...slot.writers]).toEqual([name]);
          steps.push(name);
          await Promise.resolve();
          done += 1;
          return done === length;
        },
      };
    },
  };
}

describe('BatchScheduler', () => {
  it('steps running tasks together and lets waiting ones join in order as soon as a slot is free', async () => {
    const { scheduler, steps, task } = bench(2);
    const order: string[] = [];
    const run = async (name: string, length: number): Promise<void> => {
      await scheduler.run(task(name, length), never);
      order.push(name);
    };
    await Promise.all([run('a', 3), run('b', 1), run('c', 1), run('d', 2)]);
    expect(steps.join(' ')).toBe('a b a c a d d');
    expect(order.join(' ')).toBe('b c a d');
  });

  it('counts what runs and what waits', async () => {
    const { scheduler, task } = bench(1);
    const runs = ['a', 'b', 'c'].map((name) => scheduler.run(task(name, 2), never));
    await Promise.resolve();
    await Promise.resolve();
    expect([scheduler.running, scheduler.waiting]).toEqual([1, 2]);
    await Promise.all(runs);
    expect([scheduler.running, scheduler.waiting]).toEqual([0, 0]);
  });

  it('refuses one task more than fit into slots and queue', async () => {
    const { scheduler, task } = bench(2, 1);
    const runs = ['a', 'b', 'c'].map((name) => scheduler.run(task(name, 1), never));
    await expect(scheduler.run(task('d', 1), never)).rejects.toEqual(new TaskRefused('queue_full'));
    await Promise.all(runs);
    await scheduler.run(task('e', 1), never);
  });

  it('takes a task without a queue when a slot is free', async () => {
    const { scheduler, task } = bench(1, 0);
    await scheduler.run(task('a', 1), never);
  });

  it('drops a waiting task at once when it is aborted', async () => {
    const { scheduler, steps, task } = bench(1);
    const gone = new AbortController();
    const first = scheduler.run(task('a', 3), never);
    const second = scheduler.run(task('b', 1), gone.signal);
    gone.abort(new Error('gone'));
    expect(scheduler.waiting).toBe(1);
    await expect(second).rejects.toThrow('gone');
    await first;
    expect(steps).not.toContain('b');
  });

  it('ends a running task after its current step when it is aborted, and gives its slot on', async () => {
    const { scheduler, steps, task } = bench(1);
    const gone = new AbortController();
    const endless: BatchTask<Slot> = {
      step: async () => {
        steps.push('a');
        gone.abort(new Error('gone'));
        await Promise.resolve();
        return false;
      },
    };
    const first = scheduler.run(endless, gone.signal);
    const second = scheduler.run(task('b', 1), never);
    await expect(first).rejects.toThrow('gone');
    await second;
    expect(steps).toEqual(['a', 'b']);
  });

  it('does not start a task that was aborted before it came', async () => {
    const { scheduler, steps, task } = bench(1);
    const run = scheduler.run(task('a', 1), AbortSignal.abort(new Error('gone')));
    expect(scheduler.waiting).toBe(0);
    await expect(run).rejects.toThrow('gone');
    expect(steps).toEqual([]);
  });

  it('fails only the task whose step fails', async () => {
    const { scheduler, task } = bench(2);
    const broken = scheduler.run({ step: () => Promise.reject(new Error('broken')) }, never);
    const other = scheduler.run(task('b', 3), never);
    await expect(broken).rejects.toThrow('broken');
    await other;
    await Promise.all([scheduler.run(task('c', 1), never), scheduler.run(task('d', 1), never)]);
  });

  it('clears a slot before its task settles', async () => {
    let cleared = 0;
    const { scheduler, task } = bench(1, 1, async () => {
      await Promise.resolve();
      cleared += 1;
    });
    await scheduler.run(task('a', 1), never);
    expect(cleared).toBe(1);
  });

  it('retires a slot that cannot be cleared, and refuses all when none is left', async () => {
    const { scheduler, task } = bench(1, 5, () => Promise.reject(new Error('stuck')));
    const first = scheduler.run(task('a', 1), never);
    const second = scheduler.run(task('b', 1), never);
    await expect(first).rejects.toThrow('stuck');
    await expect(second).rejects.toEqual(new TaskRefused('closed'));
    await expect(scheduler.run(task('c', 1), never)).rejects.toEqual(new TaskRefused('closed'));
  });

  it('closes: waiting and new tasks are refused, running ones finish', async () => {
    const { scheduler, steps, task } = bench(1);
    let closing: Promise<void> | undefined;
    const first = scheduler.run(
      {
        step: async (slot) => {
          closing ??= scheduler.close();
          return task('a', 2)
            .step(slot)
            .then(() => steps.length === 2);
        },
      },
      never,
    );
    const second = scheduler.run(task('b', 1), never);
    await expect(second).rejects.toEqual(new TaskRefused('closed'));
    await first;
    await closing;
    expect(steps).toEqual(['a', 'a']);
    await expect(scheduler.run(task('c', 1), never)).rejects.toEqual(new TaskRefused('closed'));
  });

  it('gives every task all its steps in one clean slot, first come, first served', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 12 }),
        async (slots, lengths) => {
          const { scheduler, steps, task } = bench(slots);
          await Promise.all(lengths.map((length, index) => scheduler.run(task(`t${index}`, length), never)));
          const counts = lengths.map((_, index) => steps.filter((name) => name === `t${index}`).length);
          expect(counts).toEqual(lengths);
          const firstSteps = [...new Set(steps)];
          expect(firstSteps).toEqual(lengths.map((_, index) => `t${index}`));
        },
      ),
    );
  });
});
