import { readFile } from 'node:fs/promises';
import type { Executor, ProcessUsage } from './executor.ts';
import { isSuccess } from './exit.ts';

// USER_HZ is 100 on every Linux that Node supports.
const TICKS_PER_SECOND = 100;

/** CPU time and peak memory of a live process of this machine; nulls where there is none. */
export async function readUsage(pid: number): Promise<ProcessUsage> {
  try {
    const [stat, status] = await Promise.all(
      ['stat', 'status'].map((name) => readFile(`/proc/${pid}/${name}`, 'utf8')),
    );
    return parseUsage(stat ?? '', status ?? '');
  } catch {
    return parseUsage('', '');
  }
}

/** CPU time and peak memory of a live process of a host; nulls where there is none. */
export async function usageOver(host: Pick<Executor, 'run'>, pid: number): Promise<ProcessUsage> {
  const read = await host.run({ file: 'cat', args: [`/proc/${pid}/stat`, `/proc/${pid}/status`] });
  const [, stat = '', status = ''] = /^(.*)\n([^]*)$/.exec(read.stdout) ?? [];
  return isSuccess(read.exit) ? parseUsage(stat, status) : parseUsage('', '');
}

/** CPU time and peak memory from the text of /proc/PID/stat and /proc/PID/status; null where they do not tell. */
export function parseUsage(stat: string, status: string): ProcessUsage {
  // The program's name may hold blanks and brackets: count fields after its last ")".
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = Number(fields[11]) + Number(fields[12]);
  const peakKb = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
  return {
    cpuSeconds: Number.isFinite(ticks) ? ticks / TICKS_PER_SECOND : null,
    peakRssBytes: peakKb === undefined ? null : Number(peakKb) * 1024,
  };
}
