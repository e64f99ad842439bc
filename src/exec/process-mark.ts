import { readFileSync } from 'node:fs';

/**
 * Whether a live process was started with this variable in its environment: a
 * process id alone may long belong to somebody else. Where the system does not
 * show environments, a process with this id counts.
 */
export function isMarkedProcess(pid: number, name: string, value: string): boolean {
  if (process.platform !== 'linux') return exists(pid);
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(`${name}=${value}`);
  } catch {
    return false;
  }
}

function exists(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
