import { readFileSync } from 'node:fs';
import type { ProcessUsage } from './executor.ts';

// USER_HZ is 100 on every Linux that Node supports.
const TICKS_PER_SECOND = 100;

/** CPU time and peak memory of a live process from /proc; nulls where there is none. */
export function readUsage(pid: number): ProcessUsage {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    // The program's name may hold blanks and brackets: count fields after its last ")".
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const ticks = Number(fields[11]) + Number(fields[12]);
    const peakKb = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
    return {
      cpuSeconds: Number.isFinite(ticks) ? ticks / TICKS_PER_SECOND : null,
      peakRssBytes: peakKb === undefined ? null : Number(peakKb) * 1024,
    };
  } catch {
    return { cpuSeconds: null, peakRssBytes: null };
  }
}
