import { describe, expect, it } from 'vitest';
import type { Executor, Finished } from '../../../src/exec/executor.ts';
import { localExecutor } from '../../../src/exec/local.ts';
import { watchUsage } from '../../../src/lifecycle/host-usage.ts';

interface Moment {
  /** user nice system idle iowait irq softirq steal guest guest_nice, in ticks. */
  readonly cpu?: string;
  readonly availableKb?: number;
  /** Per interface what it received and sent. */
  readonly net?: Readonly<Record<string, readonly [number, number]>>;
  readonly devices?: readonly string[];
}

function textOf({ cpu, availableKb, net = {}, devices = [] }: Moment): string {
  const counters = Object.entries(net).map(
    ([name, [received, sent]]) => `  ${name}: ${received} 1 0 0 0 0 0 0 ${sent} 1 0 0 0 0 0 0`,
  );
  return [
    ...(cpu === undefined ? [] : [`cpu  ${cpu}`]),
    ...(availableKb === undefined
      ? []
      : ['MemTotal:       1000 kB', 'MemFree: 1 kB', `MemAvailable:    ${availableKb} kB`]),
    'Inter-|   Receive                                                |  Transmit',
    ...counters,
    ...devices.map((name) => `/sys/class/net/${name}/device`),
    '',
  ].join('\n');
}

/** A host that answers like this, in turn; null: not at all. */
function hostThatTells(...moments: readonly (Moment | null)[]): Executor {
  const left = [...moments];
  const run = async (): Promise<Finished> => {
    const moment = left.shift() ?? null;
    if (moment === null) return { exit: { kind: 'lost', reason: 'the way is gone' }, stdout: '', stderr: '' };
    return { exit: { kind: 'exited', code: 0 }, stdout: textOf(moment), stderr: '' };
  };
  return { ...localExecutor('h1'), run };
}

const usageOf = (...moments: readonly (Moment | null)[]): Promise<unknown> =>
  watchUsage(hostThatTells(...moments), { intervalMs: null }).end();

const nothing = {
  cpu_busy_s: null,
  cpu_busy_share: null,
  memory_used_max_bytes: null,
  network_rx_bytes: null,
  network_tx_bytes: null,
};

describe('watchUsage', () => {
  it('counts what happened between the first reading and the last', async () => {
    const usage = await usageOf(
      { cpu: '100 10 50 1000 5 1 2 7 90 9', availableKb: 400, net: { lo: [1, 1], eth0: [1000, 50], eth1: [5, 5] } },
      { cpu: '400 10 60 1280 15 1 2 7 99 9', availableKb: 600, net: { lo: [9, 9], eth0: [1600, 70], eth1: [7, 8] } },
    );
    // 310 of 600 ticks: user and system; waiting for a disk is not work, and what guests use is in `user` already.
    expect(usage).toEqual({
      cpu_busy_s: 3.1,
      cpu_busy_share: 310 / 600,
      memory_used_max_bytes: 600 * 1024,
      network_rx_bytes: 602,
      network_tx_bytes: 23,
      readings: 2,
    });
  });

  it('counts traffic of the hardware once, not again for what is built on top of it', async () => {
    const devices = ['eth0'];
    const usage = await usageOf(
      { net: { eth0: [10, 10], docker0: [10, 10] }, devices },
      { net: { eth0: [30, 20], docker0: [30, 20] }, devices },
    );
    expect(usage).toEqual({ ...nothing, network_rx_bytes: 20, network_tx_bytes: 10, readings: 2 });
  });

  it('leaves out a reading that failed, and is null where one is not enough', async () => {
    expect(await usageOf(null, { cpu: '1 0 0 1 0 0 0 0 0 0', availableKb: 900, net: { eth0: [1, 1] } })).toEqual({
      ...nothing,
      memory_used_max_bytes: 100 * 1024,
      readings: 1,
    });
    expect(await usageOf(null, null)).toEqual({ ...nothing, readings: 0 });
    // A host without any of it, such as one without /proc.
    expect(await usageOf({}, {})).toEqual({ ...nothing, readings: 0 });
  });

  it('does not count backwards when a counter was set back', async () => {
    const usage = await usageOf(
      { cpu: '500 0 0 500 0 0 0 0 0 0', net: { eth0: [100, 1], gone: [5, 5] } },
      { cpu: '100 0 0 950 0 0 0 0 0 0', net: { eth0: [20, 3], come: [9, 9] } },
    );
    expect(usage).toEqual({ ...nothing, network_tx_bytes: 2, readings: 2 });
  });

  it('reads in between, and no more after its end', async () => {
    const here = localExecutor('h1');
    const asked: (() => void)[] = [];
    let count = 0;
    const third = new Promise<void>((resolve) => asked.push(resolve));
    const counted: Executor = {
      ...here,
      run: (command, options) => {
        count += 1;
        if (count === 3) asked[0]!();
        return here.run(command, options);
      },
    };
    const watch = watchUsage(counted, { intervalMs: 1 });
    await third;
    const usage = await watch.end();
    const readAtEnd = count;
    expect(await watch.end()).toBe(usage);
    expect(count).toBe(readAtEnd);
    expect(usage.readings).toBeGreaterThanOrEqual(3);
    expect(usage.memory_used_max_bytes).toBeGreaterThan(2 ** 20);
    expect(usage.cpu_busy_s).toBeGreaterThanOrEqual(0);
  });

  it('does not wait for a reading in between that hangs', async () => {
    const here = hostThatTells({ availableKb: 1 }, { availableKb: 1 });
    let count = 0;
    let hang: () => void;
    const hanging = new Promise<void>((resolve) => (hang = resolve));
    const run: Executor['run'] = (command, options) => {
      count += 1;
      if (count !== 2) return here.run(command, options);
      hang();
      return new Promise((_, reject) => options?.signal?.addEventListener('abort', () => reject(new Error('aborted'))));
    };
    const watch = watchUsage({ ...here, run }, { intervalMs: 1 });
    await hanging;
    expect((await watch.end()).readings).toBe(2);
  });

  it('never rejects, even where asking throws', async () => {
    const broken: Executor = { ...localExecutor('h1'), run: () => Promise.reject(new Error('no way')) };
    expect(await watchUsage(broken, { intervalMs: 1 }).end()).toEqual({ ...nothing, readings: 0 });
  });
});
