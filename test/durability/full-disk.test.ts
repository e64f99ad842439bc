import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { markInterrupted } from '../../src/evidence/interrupted.ts';
import { checkEvidence, readEvents, readManifest } from '../../src/evidence/run-reader.ts';
import { fingerprintSidecars, readOwnManifest, RunWriter } from '../../src/evidence/run-writer.ts';
import { runLocal } from '../../src/exec/local.ts';
import { temporaryFolder } from '../unit/evidence/rows.ts';
import { startedRun } from '../unit/started-run.ts';

const isRoot = process.getuid?.() === 0;

/** A run on a disk of a megabyte, which goes with the test, and what fills that to the last byte. */
async function runOnSmallDisk(): Promise<{ readonly folder: string; readonly fill: () => void }> {
  const disk = temporaryFolder();
  const mounted = await runLocal({ file: 'mount', args: ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk] });
  expect(mounted.exit, mounted.stderr).toEqual({ kind: 'exited', code: 0 });
  onTestFinished(() => runLocal({ file: 'umount', args: ['--lazy', disk] }).then(() => undefined));
  const folder = join(disk, 'run');
  mkdirSync(folder);
  cpSync(startedRun().folder, folder, { recursive: true });
  const fill = (): void => expect(() => writeFileSync(join(disk, 'filler'), Buffer.alloc(2 ** 20))).toThrow('ENOSPC');
  return { folder, fill };
}

describe.skipIf(!isRoot)(`a full disk${isRoot ? '' : ' (skipped: only root can mount a small one)'}`, () => {
  it('takes the end of a run that was live when it became full, with every whole event', async () => {
    const { folder, fill } = await runOnSmallDisk();
    const writer = new RunWriter(folder);
    writer.events.record('prepare.start', {});
    fill();
    const line = 'x'.repeat(20_000);
    expect(() => writer.events.record('safety.violated', { predicate: 'p', detail: line })).toThrow('ENOSPC');
    await writer.closeTables().catch(() => undefined);
    expect(() => writer.events.close()).toThrow('ENOSPC');
    const sidecars = await fingerprintSidecars(folder, {});
    writer.manifest({ ...readOwnManifest(folder), status: 'failed_setup', tags: [line], sidecars });
    const manifest = readManifest(folder);
    expect(manifest).toMatchObject({ status: 'failed_setup', tags: [line] });
    await checkEvidence(folder, manifest, { hashes: 'all' });
    expect(readEvents(folder).map(({ event }) => event)).toEqual(['prepare.start']);
  });

  it('takes the end that somebody else gives such a run', async () => {
    const { folder, fill } = await runOnSmallDisk();
    const writer = new RunWriter(folder);
    writer.events.record('prepare.start', {});
    await writer.flush();
    // As if another process had been at work, and were over.
    const left = join(folder, `manifest.json.${process.pid}.tmp`);
    cpSync(left, join(folder, 'manifest.json.1.tmp'));
    rmSync(left);
    fill();
    expect(await markInterrupted(folder, { reason: 'it was killed', orphans: 0, unconfirmed: [] })).toBe('interrupted');
    await checkEvidence(folder, readManifest(folder), { hashes: 'all' });
    expect(readEvents(folder).map(({ event }) => event)).toEqual(['prepare.start', 'attempt.interrupted']);
    await writer.closeTables().catch(() => undefined);
    writer.events.close();
    expect(readFileSync(join(folder, 'manifest.json'), 'utf8')).toContain('it was killed');
  });
});
