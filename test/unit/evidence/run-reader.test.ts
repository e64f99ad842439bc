import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { amendRun } from '../../../src/evidence/amend-run.ts';
import { markInterrupted } from '../../../src/evidence/interrupted.ts';
import { checkEvidence, readEvents, readManifest } from '../../../src/evidence/run-reader.ts';
import { startedRun } from './started-run.ts';

const check = (folder: string): Promise<void> => checkEvidence(folder, readManifest(folder), { hashes: 'all' });

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
    await expect(checkEvidence(folder, empty, { hashes: 'all' })).rejects.toMatchObject({
      code: 'EVIDENCE_DAMAGED',
      message: `${join(folder, 'manifest.json')} lists no files`,
    });
  });

  it('names every file that the manifest does not list', async () => {
    const folder = await endedRun();
    mkdirSync(join(folder, 'attachments'));
    writeFileSync(join(folder, 'attachments', 'extra.txt'), 'x');
    writeFileSync(join(folder, 'attachments', 'part.1.tmp'), 'x');
    await expect(check(folder)).rejects.toMatchObject({
      code: 'EVIDENCE_DAMAGED',
      message: `${folder} holds what its manifest does not list: attachments/extra.txt, attachments/part.1.tmp`,
    });
  });

  it('tolerates what a crash leaves of an amendment: drafts, and a judgement that the manifest does not list', async () => {
    const folder = await endedRun();
    mkdirSync(join(folder, 'verifications'));
    for (const path of ['manifest.json.1.tmp', 'samples.parquet.1.tmp', `verifications/${'0'.repeat(64)}.json`])
      writeFileSync(join(folder, path), 'x');
    await check(folder);
    writeFileSync(join(folder, 'verifications', 'notes.txt'), 'x');
    await expect(check(folder)).rejects.toMatchObject({
      message: expect.stringMatching(/: verifications\/notes.txt$/),
    });
  });

  it('names a file of another size without reading any', async () => {
    const folder = await endedRun();
    appendFileSync(join(folder, 'config.resolved.yaml'), '\n');
    await expect(checkEvidence(folder, readManifest(folder), { hashes: 'none' })).rejects.toMatchObject({
      code: 'EVIDENCE_DAMAGED',
      message: expect.stringMatching(/config\.resolved\.yaml has \d+ bytes, \d+ were recorded$/),
    });
  });

  it('checks the run as it is when somebody amended it since its manifest was read', async () => {
    const folder = await endedRun();
    const before = readManifest(folder);
    await amendRun(folder, async (manifest) => {
      writeFileSync(join(folder, 'config.resolved.yaml'), 'other: true\n');
      return { manifest: { ...manifest, tags: ['amended'] }, files: { 'config.resolved.yaml': null } };
    });
    await checkEvidence(folder, before, { hashes: 'all' });
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

describe('readEvents', () => {
  const events = (folder: string): readonly string[] => readEvents(folder).map(({ event }) => event);
  const start = '{"ts":"2026-01-01T00:00:00.000Z","event":"prepare.start"}\n';

  it('leaves out the last line of a live run when it is cut short', () => {
    const folder = startedRun();
    writeFileSync(join(folder, 'events.jsonl'), `${start}{"ts":"2026-`);
    expect(events(folder)).toEqual(['prepare.start']);
  });

  it.each(['{"ts":"2026-', '0', 'null', '{"event":"prepare.start"}'])('names a line that is no event: %s', (line) => {
    const folder = startedRun();
    writeFileSync(join(folder, 'events.jsonl'), `${start}${line}\n${start}`);
    expect(() => readEvents(folder)).toThrow(
      expect.objectContaining({
        code: 'EVIDENCE_DAMAGED',
        message: `${join(folder, 'events.jsonl')}:2 is no event`,
      }),
    );
  });

  it('misses an event of a run that ended', async () => {
    const folder = await endedRun();
    writeFileSync(join(folder, 'events.jsonl'), '');
    expect(() => readEvents(folder)).toThrow(expect.objectContaining({ code: 'EVIDENCE_DAMAGED' }));
  });
});
