import { existsSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { scrubberOf } from '../../../src/core/scrubber.ts';
import { SecretValue } from '../../../src/core/secret.ts';
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

  it.each([
    ['a text', Buffer.from('é hf_0123456789 é'), Buffer.from('é <SecretValue label=hf> é')],
    [
      'a text with a stray byte',
      Buffer.from('\xff hf_0123456789 \n', 'latin1'),
      Buffer.from('\xff <SecretValue label=hf> \n', 'latin1'),
    ],
    ['what is no text', Buffer.from([0, 255, 128, 10]), Buffer.from([0, 255, 128, 10])],
  ])('keeps no secret of %s, and every other byte', async (_, left, kept) => {
    const folder = mkdtempSync(join(tmpdir(), 'assay-writer-'));
    const writer = new RunWriter(folder, scrubberOf([new SecretValue('hf', 'hf_0123456789')]));
    writeFileSync(join(folder, 'left'), left);
    await writer.attachFile('logs/left.bin', join(folder, 'left'));
    await writer.closeTables();
    expect([...readFileSync(join(folder, 'attachments/logs/left.bin'))]).toEqual([...kept]);
  });
});
