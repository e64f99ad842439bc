import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { appendToCatalog, catalogLine, openCatalog, stampOf } from '../../../../src/evidence/store/catalog.ts';
import { factOf } from '../../../../src/evidence/store/fact.ts';
import { writeManifest } from '../../../../src/evidence/run-writer.ts';
import { endedManifest, storeRun, verdictOf } from '../ended-run.ts';
import { temporaryFolder } from '../rows.ts';

/** A run in the catalogue of an artifact directory of its own. */
function catalogued() {
  const artifacts = temporaryFolder();
  const manifest = endedManifest();
  const folder = storeRun(artifacts, manifest);
  appendToCatalog(artifacts, folder, manifest);
  const path = folder.slice(artifacts.length + 1);
  const find = (stamp = stampOf(folder) ?? '') => {
    const catalog = openCatalog(artifacts);
    const fact = catalog.find(manifest.run_id, stamp);
    catalog.close();
    return fact;
  };
  return { artifacts, folder, manifest, fact: factOf(manifest, path), file: join(artifacts, 'catalog.jsonl'), find };
}

describe('the catalogue', () => {
  it('gives the row of a run back as long as its manifest is the one that it was made from', () => {
    const { folder, manifest, fact, find } = catalogued();
    const stamp = stampOf(folder) ?? '';
    expect(find()).toEqual(fact);
    writeManifest(folder, { ...manifest, verdicts: [verdictOf('ttft_p99')] });
    expect(find()).toBeNull();
    expect(find(stamp)).toEqual(fact);
  });

  it('takes the last line of a run', () => {
    const { artifacts, folder, manifest, find } = catalogued();
    const amended = writeManifest(folder, { ...manifest, verdicts: [verdictOf('ttft_p99')] });
    appendToCatalog(artifacts, folder, amended);
    expect(find()).toMatchObject({ ttft_p99_passed: false });
  });

  it('believes no line about a manifest that somebody replaced before it was added', () => {
    const { artifacts, folder, manifest, find } = catalogued();
    writeManifest(folder, { ...manifest, status: 'failed_verification', verdicts: [verdictOf('ttft_p99')] });
    appendToCatalog(artifacts, folder, manifest);
    expect(find()).toBeNull();
  });

  it('believes no line with a changed character', () => {
    const { file, find } = catalogued();
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.replace('gpt_oss_120b"', 'gpt_oss_121b"'));
    expect(find()).toBeNull();
    writeFileSync(file, text);
    expect(find()).not.toBeNull();
  });

  it('knows nothing from lines of version 0.1, of other programs, or without a line break', () => {
    const { file, fact, manifest, find } = catalogued();
    const line = readFileSync(file, 'utf8');
    const old = { run_id: manifest.run_id, test_id: 'a', status: 'failed_parse', path: 'x', requests: 1 };
    writeFileSync(file, `${JSON.stringify(old)}\nnull\n[\n\n${line.trimEnd()}`);
    expect(find()).toBeNull();
    appendFileSync(file, `\n${JSON.stringify(old)}\n`);
    expect(find()).toEqual(fact);
  });

  it('finds lines on both sides of the pieces in which it is read', () => {
    const { artifacts, file, fact, find } = catalogued();
    const other = catalogLine({ run_id: 'other', padding: 'ö'.repeat(400_000) }, '1');
    writeFileSync(file, other + readFileSync(file, 'utf8') + other);
    expect(find()).toEqual(fact);
    const catalog = openCatalog(artifacts);
    expect(catalog.find('other', '1')).toMatchObject({ padding: 'ö'.repeat(400_000) });
    catalog.close();
  });

  it('loses no line of two processes that add lines at the same time', async () => {
    const artifacts = temporaryFolder();
    const built = new URL('../../../../dist/evidence/store/catalog.js', import.meta.url).href;
    const script = `
      import { appendLines, catalogLine } from ${JSON.stringify(built)};
      const [name, artifacts] = process.argv.slice(1);
      for (let index = 0; index < 5000; index += 1) {
        appendLines(artifacts, catalogLine({ run_id: name + index, padding: 'x'.repeat(index % 3000) }, String(index)));
      }`;
    const ends = ['a', 'b'].map(async (name) => {
      const argv = ['--input-type=module', '-e', script, name, artifacts];
      const [code] = await once(spawn(process.execPath, argv, { stdio: 'inherit' }), 'exit');
      return code as number;
    });
    expect(await Promise.all(ends)).toEqual([0, 0]);
    const catalog = openCatalog(artifacts);
    const lengths = ['a', 'b'].flatMap((name) =>
      Array.from({ length: 5000 }, (_, index) => String(catalog.find(name + index, String(index))?.['padding']).length),
    );
    catalog.close();
    expect(lengths).toEqual(Array.from({ length: 10_000 }, (_, index) => (index % 5000) % 3000));
  });
});
