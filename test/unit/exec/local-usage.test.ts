import { describe, expect, it } from 'vitest';
import { localExecutor } from '../../../src/exec/local.ts';
import { parseUsage, readUsage, usageOver } from '../../../src/exec/local-usage.ts';

describe('parseUsage', () => {
  it('counts the fields after the last bracket of a name', () => {
    const stat = `7 (a) b 9 9) S ${Array.from({ length: 10 }, () => 1).join(' ')} 250 150 9 9`;
    expect(parseUsage(stat, 'VmPeak:\t 9 kB\nVmHWM:\t   2048 kB\n')).toEqual({
      cpuSeconds: 4,
      peakRssBytes: 2_097_152,
    });
  });

  it('knows nothing of a process that is gone', () => {
    expect(parseUsage('', '')).toEqual({ cpuSeconds: null, peakRssBytes: null });
  });
});

describe.skipIf(process.platform !== 'linux')('of a live process', () => {
  const some = { cpuSeconds: expect.any(Number), peakRssBytes: expect.any(Number) };
  const none = { cpuSeconds: null, peakRssBytes: null };

  it('is read from this machine and through any host alike', async () => {
    const host = localExecutor('here');
    expect(await readUsage(process.pid)).toEqual(some);
    expect(await usageOver(host, process.pid)).toEqual(some);
    expect(await readUsage(0)).toEqual(none);
    expect(await usageOver(host, 0)).toEqual(none);
  });
});
