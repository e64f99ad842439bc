import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isSameProcess, processStart } from '../core/process-start.ts';

// Changing an ended run takes moments: whoever waits looks again soon.
const RETRY_MS = 5;

/**
 * Does work on a run directory that nobody else changes meanwhile, on this machine or on another one that shares the
 * directory. The lock of a process that died is taken over; that of a process on another machine is waited for.
 */
export async function withRunLock<T>(folder: string, work: () => T | Promise<T>): Promise<T> {
  const path = lockOf(folder);
  const token = randomUUID();
  while (!take(path, token)) {
    breakDead(path);
    await delay(RETRY_MS);
  }
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

/** Beside the run, which holds evidence only. */
function lockOf(folder: string): string {
  return join(dirname(folder), `.${basename(folder)}.lock`);
}

interface Holder {
  readonly token: string;
  readonly hostname: string;
  readonly pid: number;
  readonly started: string | null;
}

function take(path: string, token: string): boolean {
  const own: Holder = { token, hostname: hostname(), pid: process.pid, started: processStart(process.pid) };
  const draft = `${path}.${token}`;
  writeFileSync(draft, JSON.stringify(own));
  try {
    linkSync(draft, path);
    return true;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw thrown;
    return false;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Removes a lock whose holder died. Of several who try at once, one may: it made the tombstone of this very lock. */
function breakDead(path: string): void {
  const holder = holderOf(path);
  if (holder === null || holder.hostname !== hostname() || isSameProcess(holder.pid, holder.started)) return;
  const tombstone = `${path}.${holder.token}.dead`;
  try {
    linkSync(path, tombstone);
  } catch {
    return;
  }
  // Meanwhile another may have broken it, and a third may hold it by now.
  if (holderOf(tombstone)?.token === holder.token) rmSync(path, { force: true });
  rmSync(tombstone, { force: true });
}

function holderOf(path: string): Holder | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Holder;
  } catch {
    return null;
  }
}
