import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { markInterrupted } from '../../../src/evidence/interrupted.ts';
import { checkEvidence, readManifest } from '../../../src/evidence/run-reader.ts';
import { startedRun } from './started-run.ts';

const check = (folder: string): Promise<void> => checkEvidence(folder, readManifest(folder), { hashes: true });

async function endedRun(): Promise<string> {
  const folder = startedRun();
  await markInterrupted(folder, { reason: 'enough', orphans: 0, unconfirmed: [] });
  return folder;
}

describe('checkEvidence', () => {
  it('accepts a run that ended, as it was left', async () => {
    await check(await endedRun());
  });

  it('does not vouch for a run that never ended', async () => {
    const folder = startedRun();
    await expect(check(folder)).rejects.toMatchObject({
      code: 'EVIDENCE_DAMAGED',
      message: `the run in ${folder} never ended (its job host is gone or still at work)`,
      hint: expect.stringContaining('run the cell again'),
    });
  });

  it('does not vouch for a manifest that lists no files', async () => {
    const folder = await endedRun();
    const empty = { ...readManifest(folder), sidecars: {} };
    await expect(checkEvidence(folder, empty, { hashes: true })).rejects.toMatchObject({
      code: 'EVIDENCE_DAMAGED',
      message: `${join(folder, 'manifest.json')} lists no files`,
    });
  });

  it('names every file that the manifest does not list', async () => {
    const folder = await endedRun();
    mkdirSync(join(folder, 'attachments'));
    writeFileSync(join(folder, 'attachments', 'extra.txt'), 'x');
    writeFileSync(join(folder, 'samples.parquet.1.tmp'), 'x');
    await expect(check(folder)).rejects.toMatchObject({
      code: 'EVIDENCE_DAMAGED',
      message: `${folder} holds what its manifest does not list: attachments/extra.txt, samples.parquet.1.tmp`,
    });
  });

  it('names a file that was changed', async () => {
    const folder = await endedRun();
    writeFileSync(join(folder, 'config.resolved.yaml'), 'other: true\n');
    await expect(check(folder)).rejects.toMatchObject({
      code: 'EVIDENCE_DAMAGED',
      message: expect.stringContaining('config.resolved.yaml has '),
    });
  });
});
