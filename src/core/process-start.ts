import { readFileSync } from 'node:fs';

/** What tells a process from another that got its id later; null where the system does not say. */
export function processStart(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The program's name may hold blanks and brackets: count fields after its last ")".
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // A zombie is over; only its parent has not heard of it yet.
    return fields[0] === 'Z' ? null : (fields[19] ?? null);
  } catch {
    return null;
  }
}

/** Whether the process that once started like this still runs; where the system does not say, whether any has its id. */
export function isSameProcess(pid: number, start: string | null): boolean {
  return process.platform === 'linux' ? start !== null && processStart(pid) === start : exists(pid);
}

function exists(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
