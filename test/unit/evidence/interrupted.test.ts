import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { markInterrupted } from '../../../src/evidence/interrupted.ts';
import { checkEvidence, readEvents, readManifest } from '../../../src/evidence/run-reader.ts';
import { readOwnManifest, writeManifest } from '../../../src/evidence/run-writer.ts';
import { startedRun } from './started-run.ts';

describe('markInterrupted', () => {
  it('ends a run that nobody works on any more, and says why', async () => {
    const folder = startedRun();
    writeFileSync(join(folder, 'logs', 'server.localhost.log'), 'loading\n');
    expect(
      await markInterrupted(folder, { reason: 'the machine went down', orphans: 2, unconfirmed: ['n1: no route'] }),
    ).toBe('interrupted');
    const manifest = readManifest(folder);
    expect(manifest).toMatchObject({
      status: 'interrupted',
      interruption: 'the machine went down',
      failure: null,
      teardown: { orphans: 2, unconfirmed: ['n1: no route'], error: null },
      timestamp_end: expect.any(String),
    });
    expect(Object.keys(manifest.sidecars)).toContain('logs/server.localhost.log');
    expect(readEvents(folder)).toMatchObject([{ event: 'attempt.interrupted', reason: 'the machine went down' }]);
    await checkEvidence(folder, manifest, { hashes: 'all' });
  });

  it('keeps the events readable though a crash cut the last one short', async () => {
    const folder = startedRun();
    const whole = '{"ts":"2026-01-01T00:00:00.000Z","event":"prepare.start"}\n';
    writeFileSync(join(folder, 'events.jsonl'), `${whole}{"ts":"2026-01-0`);
    await markInterrupted(folder, { reason: 'the machine went down', orphans: 0, unconfirmed: [] });
    expect(readEvents(folder).map(({ event }) => event)).toEqual(['prepare.start', 'attempt.interrupted']);
  });

  it('drops the files that a crash left half written, and no other', async () => {
    const folder = startedRun();
    for (const name of ['manifest.json.17.tmp', 'samples.parquet.17.tmp', 'logs/rank0.tmp'])
      writeFileSync(join(folder, name), 'x');
    await markInterrupted(folder, { reason: 'the machine went down', orphans: 0, unconfirmed: [] });
    const manifest = readManifest(folder);
    expect(Object.keys(manifest.sidecars).filter((path) => path.endsWith('.tmp'))).toEqual(['logs/rank0.tmp']);
    await checkEvidence(folder, manifest, { hashes: 'all' });
  });

  it('names a manifest that cannot be read, and leaves the rest as it is', async () => {
    const folder = startedRun();
    const path = join(folder, 'manifest.json');
    writeFileSync(path, readFileSync(path).subarray(0, 100));
    const before = readdirSync(folder);
    await expect(markInterrupted(folder, { reason: 'late', orphans: 0, unconfirmed: [] })).rejects.toMatchObject({
      code: 'EVIDENCE_DAMAGED',
      message: expect.stringContaining(path),
    });
    expect(readdirSync(folder)).toEqual(before);
  });

  it('leaves a run alone that had ended by itself', async () => {
    const folder = startedRun();
    writeManifest(folder, { ...readOwnManifest(folder), status: 'recorded' });
    expect(await markInterrupted(folder, { reason: 'late', orphans: 0, unconfirmed: [] })).toBe('recorded');
    expect(readManifest(folder)).toMatchObject({ status: 'recorded', interruption: null, teardown: null });
  });
});
