import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { amendRun } from '../../../src/evidence/amend-run.ts';
import type { Amendment } from '../../../src/evidence/amend-run.ts';
import { draftOf, writeFileAtomically } from '../../../src/evidence/atomic-file.ts';
import { markInterrupted } from '../../../src/evidence/interrupted.ts';
import type { Manifest } from '../../../src/evidence/manifest.ts';
import { checkEvidence, readManifest } from '../../../src/evidence/run-reader.ts';
import { startedRun } from './started-run.ts';

const CONFIG = 'config.resolved.yaml';

async function endedRun(): Promise<string> {
  const folder = startedRun();
  await markInterrupted(folder, { reason: 'enough', orphans: 0, unconfirmed: [] });
  return folder;
}

const check = (folder: string): Promise<void> => checkEvidence(folder, readManifest(folder), { hashes: 'all' });

/** Adds a tag, and writes the config anew. */
function rewriteConfig(folder: string, tag: string): (manifest: Manifest) => Promise<Amendment> {
  return async (manifest) => {
    writeFileAtomically(draftOf(join(folder, CONFIG)), `tag: ${tag}\n`);
    return { manifest: { ...manifest, tags: [...manifest.tags, tag] }, files: { [CONFIG]: null } };
  };
}

/** Does what a change needs, and dies before or after the manifest is written: nothing behind that moment happens. */
async function diesAt(moment: 'before' | 'after', folder: string): Promise<void> {
  const draft = join(folder, CONFIG);
  const old = readFileSync(draft);
  const manifestBefore = readFileSync(join(folder, 'manifest.json'));
  await amendRun(folder, rewriteConfig(folder, moment));
  // A process that is over now wrote what it left.
  renameSync(draft, `${draft}.1.tmp`);
  writeFileSync(draft, old);
  if (moment === 'before') writeFileSync(join(folder, 'manifest.json'), manifestBefore);
}

describe('amendRun', () => {
  it('replaces a file and says so', async () => {
    const folder = await endedRun();
    const manifest = await amendRun(folder, rewriteConfig(folder, 'new'));
    expect(manifest).toEqual(readManifest(folder));
    expect(manifest.tags).toContain('new');
    expect(readFileSync(join(folder, CONFIG), 'utf8')).toBe('tag: new\n');
    await check(folder);
  });

  it('leaves a run as it is when nothing is to change, or the change fails', async () => {
    const folder = await endedRun();
    const before = readManifest(folder);
    expect(await amendRun(folder, () => Promise.resolve(null))).toEqual(before);
    await expect(amendRun(folder, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    const drafted = amendRun(folder, async (manifest) => {
      await rewriteConfig(folder, 'drafted')(manifest);
      throw new Error('no');
    });
    await expect(drafted).rejects.toThrow('no');
    expect(readManifest(folder)).toEqual(before);
    await check(folder);
  });

  it('forgets a file that the change removed', async () => {
    const folder = await endedRun();
    writeFileSync(join(folder, 'logs', 'extra.log'), '');
    await expect(check(folder)).rejects.toMatchObject({ code: 'EVIDENCE_DAMAGED' });
    rmSync(join(folder, 'logs', 'extra.log'));
    await amendRun(folder, async (manifest) => {
      writeFileSync(join(folder, 'logs', 'extra.log'), '');
      return { manifest, files: { 'logs/extra.log': 3 } };
    });
    expect(readManifest(folder).sidecars['logs/extra.log']).toMatchObject({ bytes: 0, rows: 3 });
    await amendRun(folder, async (manifest) => {
      rmSync(join(folder, 'logs', 'extra.log'));
      return { manifest, files: { 'logs/extra.log': null } };
    });
    expect(readManifest(folder).sidecars).not.toHaveProperty('logs/extra.log');
    await check(folder);
  });

  it('loses none of many amendments at once', async () => {
    const folder = await endedRun();
    const tags = Array.from({ length: 20 }, (_, index) => `tag_${index}`);
    await Promise.all(tags.map((tag) => amendRun(folder, rewriteConfig(folder, tag))));
    expect(readManifest(folder).tags).toEqual(expect.arrayContaining(tags));
    await check(folder);
  });

  it('leaves a run as it was when it dies before the manifest says otherwise', async () => {
    const folder = await endedRun();
    const old = readFileSync(join(folder, CONFIG), 'utf8');
    await diesAt('before', folder);
    await check(folder);
    expect(readFileSync(join(folder, CONFIG), 'utf8')).toBe(old);
    await amendRun(folder, rewriteConfig(folder, 'next'));
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    await check(folder);
  });

  it('leaves a run as it is to be when it dies after that', async () => {
    const folder = await endedRun();
    await diesAt('after', folder);
    await check(folder);
    expect(readFileSync(join(folder, CONFIG), 'utf8')).toBe('tag: after\n');
    expect(existsSync(join(folder, `${CONFIG}.1.tmp`))).toBe(false);
  });

  it('adds nothing to a run that is live, damaged or gone', async () => {
    const live = startedRun();
    const change = (): Promise<never> => Promise.reject(new Error('it was called'));
    await expect(amendRun(live, change)).rejects.toMatchObject({ code: 'EVIDENCE_DAMAGED' });
    const damaged = await endedRun();
    rmSync(join(damaged, CONFIG));
    await expect(amendRun(damaged, change)).rejects.toMatchObject({ code: 'EVIDENCE_MISSING' });
    rmSync(damaged, { recursive: true });
    await expect(amendRun(damaged, change)).rejects.toMatchObject({ code: 'EVIDENCE_MISSING' });
    expect(readdirSync(dirname(damaged)).filter((name) => name.includes(basename(damaged)))).toEqual([]);
  });

  it('is done though the catalogue cannot be written', async () => {
    const folder = await endedRun();
    const artifacts = join(folder, '..', '..', '..', '..');
    rmSync(join(artifacts, 'catalog.jsonl'), { force: true });
    mkdirSync(join(artifacts, 'catalog.jsonl'));
    await amendRun(folder, rewriteConfig(folder, 'kept'));
    expect(readManifest(folder).tags).toContain('kept');
  });
});
