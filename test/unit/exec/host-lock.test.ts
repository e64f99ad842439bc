import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { lockHost } from '../../../src/exec/host-lock.ts';
import type { HostLock } from '../../../src/exec/host-lock.ts';
import { localCarrier } from '../../../src/exec/local.ts';

beforeEach(() => {
  vi.stubEnv('ASSAY_LOCK_FOLDER', join(mkdtempSync(join(tmpdir(), 'assay-lock-')), 'locks'));
});

const carrier = localCarrier('n1');

interface Attempt {
  readonly lock: Promise<HostLock>;
  /** Settles with the reason when it has to wait. */
  readonly waits: Promise<string>;
  readonly abort: AbortController;
}

function attempt(holder: string, isExclusive = true): Attempt {
  const abort = new AbortController();
  let tell: (reason: string) => void = () => undefined;
  const waits = new Promise<string>((resolve) => (tell = resolve));
  const lock = lockHost(carrier, { name: '10.0.0.1', isExclusive, holder }, { signal: abort.signal, onWait: tell });
  // Whether anybody looks at its end is for the test to decide.
  lock.catch(() => undefined);
  return { lock, waits, abort };
}

describe.skipIf(process.platform === 'win32')('lockHost', () => {
  it('lets one session in at a time, and tells the other who is there', async () => {
    const first = await attempt('session one').lock;
    const second = attempt('session two');
    expect(await second.waits).toBe('n1 is in use by session one');
    await first.release();
    const lock = await second.lock;
    const third = attempt('session three');
    expect(await third.waits).toBe('n1 is in use by session two');
    await lock.release();
    await (await third.lock).release();
  });

  it('lets any number in that share it, and nobody who wants it alone', async () => {
    const [a, b] = await Promise.all([attempt('a', false).lock, attempt('b', false).lock]);
    const alone = attempt('alone');
    await alone.waits;
    await a.release();
    await b.release();
    await (await alone.lock).release();
  });

  it('stops to wait when told', async () => {
    const first = await attempt('session one').lock;
    const second = attempt('session two');
    await second.waits;
    second.abort.abort(new Error('enough'));
    await expect(second.lock).rejects.toThrow('enough');
    await first.release();
    await (await attempt('session three').lock).release();
  });

  it('outlives an abort once it is held', async () => {
    const first = attempt('session one');
    const lock = await first.lock;
    first.abort.abort(new Error('enough'));
    const second = attempt('session two');
    expect(await second.waits).toContain('session one');
    await lock.release();
    await (await second.lock).release();
  });

  it('says what keeps a host from being locked', async () => {
    vi.stubEnv('ASSAY_LOCK_FOLDER', '/proc/nowhere');
    await expect(attempt('a').lock).rejects.toThrow(/^n1 could not be locked: .*\/proc\/nowhere/s);
  });
});
