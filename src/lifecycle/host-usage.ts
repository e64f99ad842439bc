import { setTimeout as delay } from 'node:timers/promises';
import type { Manifest } from '../evidence/manifest.ts';
import type { Executor } from '../exec/executor.ts';
import { isSuccess } from '../exec/exit.ts';
import type { JobContext } from './context.ts';

const INTERVAL_MS = 10_000;

const TIMEOUT_MS = 5000;

// USER_HZ is 100 on every Linux that Node supports.
const TICKS_PER_SECOND = 100;

// What a host lacks is left out.
const SCRIPT = `exec 2>/dev/null
head -n 1 /proc/stat
cat /proc/meminfo /proc/net/dev
ls -d /sys/class/net/*/device
exit 0`;

/** What the host did over a time; null means not measured. */
type Usage = Manifest['host_resources'][string];

/** What the hosts of one run do while its workload is there: whatever goes wrong here, the run goes on. */
export class HostUsage {
  readonly #context: JobContext;
  #watches: readonly (readonly [host: string, watch: UsageWatch])[] = [];

  constructor(context: JobContext) {
    this.#context = context;
  }

  /** Begins, without waiting for the first reading. */
  start(): void {
    const { reach } = this.#context.request.on;
    // There every reading is a step of the job.
    const intervalMs = reach.executor === 'slurm' ? null : INTERVAL_MS;
    this.#watches = this.#context
      .hostNames()
      .map((host) => [host, watchUsage(this.#context.executor(host), { intervalMs })] as const);
  }

  /** Reads once more, the first time it is called, and answers per host what was found since the start; never rejects. */
  async end(): Promise<Manifest['host_resources']> {
    const usages = this.#watches.map(async ([host, watch]) => [host, await watch.end()] as const);
    return Object.fromEntries(await Promise.all(usages));
  }
}

/** A host being read from time to time. */
export interface UsageWatch {
  /** Reads once more, then no longer; answers what the readings say, the same however often it is called. */
  end(): Promise<Usage>;
}

/** Reads a host now, at its end, and each time after `intervalMs`; null: not in between. A reading that fails is left out. */
export function watchUsage(executor: Executor, { intervalMs }: { readonly intervalMs: number | null }): UsageWatch {
  const ending = new AbortController();
  const readings: Reading[] = [];
  const polling = poll();
  let ended: Promise<Usage> | undefined;
  return {
    end: () => (ended ??= finish()),
  };

  async function look(signal?: AbortSignal): Promise<void> {
    // Also where it is broken off.
    const reading = await readHost(executor, signal).catch(() => null);
    if (reading !== null) readings.push(reading);
  }

  async function poll(): Promise<void> {
    await look();
    const { signal } = ending;
    while (intervalMs !== null && !signal.aborted) {
      await delay(intervalMs, undefined, { signal }).catch(() => undefined);
      if (!signal.aborted) await look(signal);
    }
  }

  async function finish(): Promise<Usage> {
    ending.abort();
    await polling;
    await look();
    return usageOf(readings);
  }
}

/** What a host counts since it was started, and the memory in use. */
interface Reading {
  readonly cpu: { readonly busyS: number; readonly totalS: number } | null;
  readonly memoryUsedBytes: number | null;
  /** Per network interface. */
  readonly network: ReadonlyMap<string, { readonly rxBytes: number; readonly txBytes: number }>;
}

/** Null where the host tells nothing of it. */
async function readHost(host: Executor, signal?: AbortSignal): Promise<Reading | null> {
  const options = { timeoutMs: TIMEOUT_MS, ...(signal === undefined ? {} : { signal }) };
  const { exit, stdout } = await host.run({ file: '/bin/sh', args: ['-c', SCRIPT] }, options);
  const reading = { cpu: cpuIn(stdout), memoryUsedBytes: memoryIn(stdout), network: networkIn(stdout) };
  const isEmpty = reading.cpu === null && reading.memoryUsedBytes === null && reading.network.size === 0;
  return isSuccess(exit) && !isEmpty ? reading : null;
}

function cpuIn(text: string): Reading['cpu'] {
  const line = /^cpu +([\d ]+)$/m.exec(text)?.[1];
  if (line === undefined) return null;
  // What guests use is part of `user` and `nice` already.
  const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0] = line
    .split(' ')
    .map(Number);
  const busy = user + nice + system + irq + softirq;
  return { busyS: busy / TICKS_PER_SECOND, totalS: (busy + idle + iowait + steal) / TICKS_PER_SECOND };
}

function memoryIn(text: string): number | null {
  const kilobytes = (name: string): number => Number(new RegExp(`^${name}: +(\\d+) kB$`, 'm').exec(text)?.[1]);
  const used = (kilobytes('MemTotal') - kilobytes('MemAvailable')) * 1024;
  return Number.isFinite(used) ? used : null;
}

// A bridge or a bond counts the traffic of the hardware below it once more; a guest may see nothing but the former.
function networkIn(text: string): Reading['network'] {
  const devices = [...text.matchAll(/^\/sys\/class\/net\/(.+)\/device$/gm)].map(([, name]) => name);
  const counters = [...text.matchAll(/^ *(\S+): *(\d+)(?: +\d+){7} +(\d+)/gm)].map(
    ([, name = '', received, sent]) => [name, { rxBytes: Number(received), txBytes: Number(sent) }] as const,
  );
  const counts = ([name]: readonly [string, unknown]): boolean =>
    devices.length > 0 ? devices.includes(name) : name !== 'lo';
  return new Map(counters.filter(counts));
}

function usageOf(readings: readonly Reading[]): Usage {
  const memory = readings.flatMap(({ memoryUsedBytes }) => memoryUsedBytes ?? []);
  return {
    ...cpuUsage(readings),
    memory_used_max_bytes: memory.length === 0 ? null : Math.max(...memory),
    network_rx_bytes: traffic(readings, 'rxBytes'),
    network_tx_bytes: traffic(readings, 'txBytes'),
    readings: readings.length,
  };
}

function cpuUsage(readings: readonly Reading[]): Pick<Usage, 'cpu_busy_s' | 'cpu_busy_share'> {
  const [first, ...later] = readings.flatMap(({ cpu }) => cpu ?? []);
  const last = later.at(-1);
  if (first === undefined || last === undefined) return { cpu_busy_s: null, cpu_busy_share: null };
  const [busyS, totalS] = [last.busyS - first.busyS, last.totalS - first.totalS];
  // Counters that fell were set back.
  if (busyS < 0 || totalS <= 0) return { cpu_busy_s: null, cpu_busy_share: null };
  return { cpu_busy_s: toHundredth(busyS), cpu_busy_share: Math.min(1, busyS / totalS) };
}

function toHundredth(seconds: number): number {
  return Math.round(seconds * TICKS_PER_SECOND) / TICKS_PER_SECOND;
}

function traffic(readings: readonly Reading[], direction: 'rxBytes' | 'txBytes'): number | null {
  const [first, ...later] = readings;
  const last = later.at(-1);
  if (first === undefined || last === undefined) return null;
  const differences = [...first.network].flatMap(([name, before]) => {
    const after = last.network.get(name);
    return after === undefined ? [] : [after[direction] - before[direction]];
  });
  // A counter that fell was set back.
  if (differences.length === 0 || differences.some((bytes) => bytes < 0)) return null;
  return differences.reduce((sum, bytes) => sum + bytes, 0);
}
