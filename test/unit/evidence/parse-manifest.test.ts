import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { amendRun } from '../../../src/evidence/amend-run.ts';
import { markInterrupted } from '../../../src/evidence/interrupted.ts';
import { MANIFEST_VERSION } from '../../../src/evidence/manifest.ts';
import { parseManifest } from '../../../src/evidence/parse-manifest.ts';
import { readManifest } from '../../../src/evidence/run-reader.ts';
import { writeManifest } from '../../../src/evidence/run-writer.ts';
import { anyManifest } from './manifest-arbitrary.ts';
import { temporaryFolder } from './rows.ts';
import { startedRun } from './started-run.ts';

const STORED = new URL('manifests/', import.meta.url);
const stored = readdirSync(STORED)
  .filter((name) => name.endsWith('.json'))
  .toSorted();

type Json = Record<string, unknown>;

const textOf = (name: string): string => readFileSync(new URL(name, STORED), 'utf8');
const jsonOf = (name: string): Json => JSON.parse(textOf(name)) as Json;
const parsed = (json: Json): Json => parseManifest(JSON.stringify(json), 'manifest.json');
const newest = stored.at(-1)!;

/** A stored manifest with fields that nobody knows, at every depth. */
function ofTheFuture(): Json {
  const json = jsonOf(newest);
  const [host] = json['hosts'] as Json[];
  const { prepare } = json['phases'] as Record<string, Json>;
  return {
    ...json,
    schema_version: '1.9',
    mood: { is: 'sunny' },
    hosts: [{ ...host, mood: 'sunny' }],
    phases: { prepare: { ...prepare, mood: 1 }, cool_down: { ...prepare, mood: 1 } },
  };
}

describe('parseManifest', () => {
  it.each(stored)('reads what version %s wrote, and says nothing that it did not', (name) => {
    const manifest = parsed(jsonOf(name));
    expect(manifest).toMatchObject(jsonOf(name));
    expect(manifest).toMatchObject({
      schema_version: name.replace('.json', ''),
      status: 'passed',
      tool: { git_sha: null },
      hosts: [{ ip: null, role: '' }],
      launches: [{ env: {}, reused_from: null }],
      invoker: null,
      imported: null,
      workload_inputs: null,
      framework_image_digest: null,
      enforce: true,
      verifications: [],
      reparses: [],
      host_resources: {},
      captured_rows: null,
      samples_path: null,
    });
  });

  it('has one of every older minor version', () => {
    const minors = Array.from({ length: Number(MANIFEST_VERSION.split('.')[1]) }, (_, minor) => `1.${minor}.json`);
    expect(stored).toEqual(minors);
  });

  it('reads of a newer minor version what it knows, at every depth', () => {
    const { mood: _mood, ...known } = ofTheFuture();
    const [host] = jsonOf(newest)['hosts'] as Json[];
    const { prepare } = jsonOf(newest)['phases'] as Record<string, Json>;
    expect(parsed(ofTheFuture())).toEqual(parsed({ ...known, hosts: [host], phases: { prepare: prepare! } }));
  });

  it('says that it is too old for a newer minor version whose words it does not know', () => {
    const json = { ...jsonOf(newest), schema_version: '1.9', status: 'dreamt' };
    expect(() => parsed(json)).toThrow(
      expect.objectContaining({
        code: 'EVIDENCE_DAMAGED',
        message: expect.stringMatching(
          /^manifest\.json is not a manifest \(status: .*"passed".*; it has schema_version 1\.9, this vitest-assay knows 1\.\d+/,
        ),
        hint: 'update vitest-assay: npm install vitest-assay@latest',
      }),
    );
  });

  it.each(['1.0', MANIFEST_VERSION])('takes a field that nobody knows for damage in version %s', (version) => {
    expect(() => parsed({ ...jsonOf(newest), schema_version: version, mood: 'sunny' })).toThrow(
      expect.objectContaining({ code: 'EVIDENCE_DAMAGED', message: expect.stringContaining('"mood"') }),
    );
  });

  it.each([
    ['2.0', 'update vitest-assay: npm install vitest-assay@latest'],
    ['0.7', 'read it with the version of vitest-assay that wrote it (`tool.version` in it)'],
  ])('refuses major version %s in a sentence with both versions and what to do', (version, hint) => {
    expect(() => parsed({ ...jsonOf(newest), schema_version: version })).toThrow(
      expect.objectContaining({
        code: 'EVIDENCE_DAMAGED',
        message: `manifest.json has schema_version ${version}, this vitest-assay knows ${MANIFEST_VERSION} and reads every 1.x`,
        hint,
      }),
    );
  });

  it.each(['null', '[]', '{}', '{"schema_version": 1.2}', '{"schema_version": "1"}', '{"schema_version": "1.2"', ''])(
    'takes %j for no manifest',
    (text) => {
      expect(() => parseManifest(text, 'm.json')).toThrow(
        expect.objectContaining({ code: 'EVIDENCE_DAMAGED', message: expect.stringMatching(/^m\.json is no/) }),
      );
    },
  );
});

describe('a manifest', () => {
  it('is read as it was written, whatever it says', () => {
    const folder = temporaryFolder();
    fc.assert(
      fc.property(anyManifest, (manifest) => {
        expect(writeManifest(folder, manifest)).toEqual(manifest);
        expect(readManifest(folder)).toEqual(manifest);
      }),
      { numRuns: 60 },
    );
  });

  it('never says a number that is none', () => {
    const folder = temporaryFolder();
    const odd = fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY);
    fc.assert(
      fc.property(anyManifest, odd, (manifest, value) => {
        writeManifest(folder, manifest);
        const { result } = manifest;
        const wrong = [
          { ...manifest, waited_s: value },
          { ...manifest, result: { ...result, scalars: { ...result.scalars, odd: value } } },
          { ...manifest, resources: { server: { cpu_s: value, peak_rss_bytes: null } } },
          { ...manifest, knobs: { odd: value } },
        ];
        for (const one of wrong) expect(() => writeManifest(folder, one)).toThrow();
        expect(readManifest(folder)).toEqual(manifest);
      }),
      { numRuns: 10 },
    );
  });
});

describe('amendRun', () => {
  const endedRun = async (): Promise<string> => {
    const folder = startedRun();
    await markInterrupted(folder, { reason: 'enough', orphans: 0, unconfirmed: [] });
    return folder;
  };

  it('refuses a run that a newer version wrote, and leaves it as it is', async () => {
    const folder = await endedRun();
    const path = join(folder, 'manifest.json');
    const text = JSON.stringify({ ...readManifest(folder), schema_version: '1.9', mood: 'sunny' });
    writeFileSync(path, text);
    await expect(amendRun(folder, async (manifest) => ({ manifest, files: {} }))).rejects.toMatchObject({
      code: 'EVIDENCE_UNWRITABLE',
      message: expect.stringContaining(`has schema_version 1.9, this vitest-assay writes ${MANIFEST_VERSION}`),
      hint: 'update vitest-assay: npm install vitest-assay@latest',
    });
    expect(readFileSync(path, 'utf8')).toBe(text);
  });

  it('makes a run of an older version one of today', async () => {
    const folder = await endedRun();
    writeFileSync(
      join(folder, 'manifest.json'),
      JSON.stringify({ ...jsonOf('1.0.json'), sidecars: readManifest(folder).sidecars }),
    );
    const written = await amendRun(folder, async (manifest) => ({ manifest: { ...manifest, tags: ['a'] }, files: {} }));
    expect(written).toMatchObject({ schema_version: MANIFEST_VERSION, tags: ['a'], status: 'passed' });
    expect(readManifest(folder)).toEqual(written);
  });
});
