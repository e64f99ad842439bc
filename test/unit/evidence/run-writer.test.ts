import { existsSync, mkdtempSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { RunWriter } from '../../../src/evidence/run-writer.ts';

afterEach(() => void vi.useRealTimers());

describe('RunWriter', () => {
  it.runIf(existsSync('/dev/full'))('ends with the error of events that were written in the background', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'assay-writer-'));
    symlinkSync('/dev/full', join(folder, 'events.jsonl'));
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const writer = new RunWriter(folder);
    writer.events.record('request', { request_id: 'a', ok: true, ttft_ms: 1 });
    expect(() => vi.advanceTimersByTime(1000)).not.toThrow();
    await expect(writer.closeTables()).rejects.toMatchObject({ code: 'ENOSPC' });
  });
});
