import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { identityText, processIdentity } from '../../../src/core/process-start.ts';
import type { ProcessIdentity } from '../../../src/core/process-start.ts';
import { withRunLock } from '../../../src/evidence/run-lock.ts';
import { temporaryFolder } from './rows.ts';

function runFolder(): string {
  const folder = join(temporaryFolder(), 'run');
  mkdirSync(folder);
  return folder;
}

const lockOf = (folder: string): string => join(dirname(folder), '.run.lock');

/** Leaves a ticket in the queue for a run, as a crash does; its path. */
function leaveTicket(folder: string, number: number, holder: ProcessIdentity): string {
  mkdirSync(lockOf(folder), { recursive: true });
  const path = join(lockOf(folder), `${number}.0000000a.${identityText(holder)}`);
  writeFileSync(path, '');
  return path;
}

/** The identity of a process that is over. */
async function deadProcess(): Promise<ProcessIdentity> {
  const child = spawn(process.execPath, ['-e', '']);
  const identity = processIdentity(child.pid);
  await once(child, 'exit');
  return identity;
}

describe('withRunLock', () => {
  it('lets one work at a time, in the order in which they came, and leaves nothing behind', async () => {
    const folder = runFolder();
    const told: string[] = [];
    const work = async (name: number): Promise<void> => {
      told.push(`${name} begins`);
      await new Promise((resolve) => setImmediate(resolve));
      told.push(`${name} ends`);
    };
    await Promise.all([0, 1, 2, 3, 4].map((name) => withRunLock(folder, () => work(name))));
    expect(told).toEqual([0, 1, 2, 3, 4].flatMap((name) => [`${name} begins`, `${name} ends`]));
    expect(readdirSync(dirname(folder))).toEqual(['run']);
  });

  it('is free again after work that failed', async () => {
    const folder = runFolder();
    await expect(withRunLock(folder, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await withRunLock(folder, () => 'yes')).toBe('yes');
  });

  it.each([
    ['drew a number', 7],
    ['was drawing one', 0],
  ])('goes with a process that died when it %s', async (_, number) => {
    const folder = runFolder();
    leaveTicket(folder, number, await deadProcess());
    expect(await withRunLock(folder, () => 'taken', { patienceMs: 0 })).toBe('taken');
    expect(existsSync(lockOf(folder))).toBe(false);
  });

  it('goes with a process whose id another one has got since', async () => {
    const folder = runFolder();
    leaveTicket(folder, 1, { ...processIdentity(), started: '1' });
    expect(await withRunLock(folder, () => 'taken', { patienceMs: 0 })).toBe('taken');
  });

  it('goes with the boot of this machine', async () => {
    const folder = runFolder();
    leaveTicket(folder, 1, { ...processIdentity(), view: '0123456789ab.4026531836' });
    expect(await withRunLock(folder, () => 'taken', { patienceMs: 0 })).toBe('taken');
  });

  it.each([
    ['on another machine', { hostname: `not-${hostname()}`, pid: 17, started: '1' }],
    [
      'in a container of the same name',
      { hostname: hostname(), pid: 2 ** 30, started: '1', view: `${processIdentity().view?.split('.')[0]}.1` },
    ],
    ['that is stopped', processIdentity()],
  ])('waits for a process %s, and names it and its file when that takes too long', async (_, holder) => {
    const folder = runFolder();
    const path = leaveTicket(folder, 1, holder);
    await expect(withRunLock(folder, () => 'taken', { patienceMs: 20 })).rejects.toMatchObject({
      code: 'EVIDENCE_LOCKED',
      message: expect.stringMatching(
        `^the run in ${folder} is being changed by process ${holder.pid} on ${holder.hostname} since `,
      ),
      hint: `wait for it; if it is gone, delete ${path}`,
    });
    expect(readdirSync(lockOf(folder))).toHaveLength(1);
    const waiting = withRunLock(folder, () => 'taken');
    rmSync(path);
    expect(await waiting).toBe('taken');
  });

  it('holds between processes', { timeout: 60_000 }, async () => {
    const folder = runFolder();
    const counter = join(folder, 'counter');
    writeFileSync(counter, '0');
    // What is read and written a moment apart loses counts wherever two are at work at once.
    const script = `
      import { readFileSync, writeFileSync } from 'node:fs';
      import { setImmediate as turn } from 'node:timers/promises';
      import { withRunLock } from ${JSON.stringify(new URL('../../../dist/evidence/run-lock.js', import.meta.url).href)};
      for (let count = 0; count < 100; count++) {
        await withRunLock(${JSON.stringify(folder)}, async () => {
          const before = Number(readFileSync(${JSON.stringify(counter)}, 'utf8'));
          await turn();
          writeFileSync(${JSON.stringify(counter)}, String(before + 1));
        });
      }`;
    const ends = [1, 2, 3].map(async () => {
      const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' });
      const [code] = await once(child, 'exit');
      return code as number;
    });
    expect(await Promise.all(ends)).toEqual([0, 0, 0]);
    expect(execFileSync('cat', [counter]).toString()).toBe('300');
    expect(existsSync(lockOf(folder))).toBe(false);
  });

  it('names a run whose parent is gone, or is no folder', async () => {
    const folder = runFolder();
    rmSync(dirname(folder), { recursive: true });
    const missing = { code: 'EVIDENCE_MISSING', message: expect.stringContaining(folder) };
    await expect(withRunLock(folder, () => 'taken')).rejects.toMatchObject(missing);
    writeFileSync(dirname(folder), '');
    await expect(withRunLock(folder, () => 'taken')).rejects.toMatchObject(missing);
    rmSync(dirname(folder));
  });

  it.skipIf(process.getuid?.() === 0)('names a run whose parent may not be written', async () => {
    const folder = runFolder();
    chmodSync(dirname(folder), 0o555);
    await expect(withRunLock(folder, () => 'taken')).rejects.toMatchObject({
      code: 'EVIDENCE_UNWRITABLE',
      message: expect.stringContaining(folder),
    });
    chmodSync(dirname(folder), 0o755);
  });
});
