import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { load } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { noSecrets, scrubberOf } from '../../../src/core/scrubber.ts';
import { SecretValue } from '../../../src/core/secret.ts';
import { appendToCatalog } from '../../../src/evidence/store/catalog.ts';
import { samplesTable } from '../../../src/evidence/tables/column-schema.ts';
import { wholeBatches } from '../../../src/evidence/tables/recover.ts';
import { markInterrupted } from '../../../src/evidence/interrupted.ts';
import { manifestSchema } from '../../../src/evidence/manifest.ts';
import type { Manifest } from '../../../src/evidence/manifest.ts';
import { readEvents, readManifest } from '../../../src/evidence/run-reader.ts';
import { createRun, readOwnManifest, RunWriter, writeManifest } from '../../../src/evidence/run-writer.ts';
import { scrubbedManifest, scrubbedTable, scrubbedValues } from '../../../src/evidence/scrubbed.ts';
import { point, sample, temporaryFolder } from './rows.ts';
import { startedRun } from './started-run.ts';

// JSON must escape the one, and the other looks like its syntax.
const SECRETS = ['s3"cr\\3t', '":"x'];
const MARKS = ['<SecretValue label=first>', '<SecretValue label=second>'];
const scrubber = scrubberOf(SECRETS.map((value, index) => new SecretValue(['first', 'second'][index]!, value)));
const told = `told ${SECRETS[0]!} and ${SECRETS[1]!}`;
const hidden = `told ${MARKS[0]!} and ${MARKS[1]!}`;

/** A manifest that tells the secrets wherever a workload can put a text. */
function telling(manifest: Manifest): Manifest {
  return {
    ...manifest,
    framework_versions: { [told]: told },
    model_descriptor: { deep: [{ [told]: told }] },
    launches: [
      { role: told, host: 'n1', pid: 1, container: null, argv: [told, '--x'], env: { X: told }, reused_from: null },
    ],
    invoker: { user: told, hostname: told, argv: ['run', told], ci: null },
    workload_inputs: { knobs: { [told]: told } },
    failure: { category: 'setup_failure', originated_in_phase: 'launch', message: told, evidence: [told] },
    result: { ...manifest.result, scalars: { [told]: 1.5 }, applied: { x: { asked: told, applied: null } } },
  };
}

/** Every file below a folder whose bytes hold a secret in some spelling. */
function filesWithSecrets(folder: string): readonly string[] {
  const spellings = SECRETS.map((value) => [value, JSON.stringify(value).slice(1, -1)]);
  // `":"x` is what JSON is made of; escaped it is the secret alone.
  const sought = [...spellings[0]!, spellings[1]![1]!];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => sought.some((text) => readFileSync(path).includes(text)));
}

describe('a run with secrets', () => {
  it('has none of them in any file, whoever wrote it', async () => {
    const folder = startedRun();
    const manifest = telling(readOwnManifest(folder));
    createRun(folder, { manifest, resolvedConfig: `model: 's3"cr\\3t'\nflow: {"a":"x1"}\n` }, scrubber);
    const writer = new RunWriter(folder, scrubber);
    writer.sample(sample({ requestId: told, error: told, role: told, host: told }));
    writer.point(point({ metric: told, role: told, host: told }));
    writer.events.record('pattern.matched', { pattern_id: 'x', source: told, line: told });
    writer.verification({
      verification_hash: 'sha256:ab',
      verified_at: '2026-01-01T00:00:00.000Z',
      tool: { name: 'vitest-assay', version: '1' },
      enforce: true,
      status: 'failed_verification',
      failure: { category: 'verification_failure', originated_in_phase: 'verify', message: told, evidence: [told] },
      patterns: null,
      thresholds: [{ threshold: { metric: told }, source: told }],
      verdicts: [verdict],
    });
    await writer.closeTables();
    expect(filesWithSecrets(folder)).toEqual([]);
    const [recovered] = [...wholeBatches(join(folder, 'samples.arrows'))];
    expect(recovered?.get(0)?.toJSON()).toMatchObject({
      request_id: hidden,
      error: hidden,
      role: hidden,
      host: hidden,
    });
    await writer.toParquet();
    writer.manifest({ ...manifest, verdicts: [verdict] });
    writer.events.close();
    expect(filesWithSecrets(folder)).toEqual([]);
    await markInterrupted(folder, { reason: told, orphans: 0, unconfirmed: [told] }, scrubber);
    expect(filesWithSecrets(folder)).toEqual([]);
    expect(load(readFileSync(join(folder, 'config.resolved.yaml'), 'utf8'))).toEqual({
      model: MARKS[0],
      flow: { a: 'x1' },
    });
    expect(readEvents(folder)).toMatchObject([
      { event: 'request', request_id: hidden, ok: true, ttft_ms: 12.5 },
      { event: 'pattern.matched', pattern_id: 'x', source: hidden, line: hidden },
      { event: 'attempt.interrupted', reason: hidden },
    ]);
    expect(readManifest(folder)).toMatchObject({
      framework_versions: { [hidden]: hidden },
      model_descriptor: { deep: [{ [hidden]: hidden }] },
      launches: [{ role: hidden, argv: [hidden, '--x'], env: { X: hidden } }],
      invoker: { user: hidden, hostname: hidden, argv: ['run', hidden] },
      workload_inputs: { knobs: { [hidden]: hidden } },
      failure: { category: 'setup_failure', message: hidden, evidence: [hidden] },
      result: { scalars: { [hidden]: 1.5 }, applied: { x: { asked: hidden } } },
      verdicts: [{ ...verdict, detail: hidden }],
      interruption: hidden,
    });
    const [verification] = readdirSync(join(folder, 'verifications'));
    expect(JSON.parse(readFileSync(join(folder, 'verifications', verification!), 'utf8'))).toMatchObject({
      verification_hash: 'sha256:ab',
      verdicts: [{ ...verdict, detail: hidden }],
    });
  });

  it('is told of as it was written', () => {
    const folder = startedRun();
    const written = writeManifest(folder, telling(readOwnManifest(folder)), scrubber);
    expect(written).toEqual(readManifest(folder));
    const artifacts = temporaryFolder();
    appendToCatalog(artifacts, join(artifacts, 'x'), written);
    expect(filesWithSecrets(artifacts)).toEqual([]);
    // What is read and written again stays as it is.
    expect(writeManifest(folder, written, scrubber)).toEqual(written);
  });
});

const verdict: Manifest['verdicts'][number] = {
  kind: 'rate',
  metric: 'failed_rate',
  benchmark: 'b',
  op: '<=',
  expected: 1,
  actual: null,
  passed: false,
  margin: null,
  n: null,
  outcome: 'no_data',
  detail: told,
  evidence: { file: 'samples.parquet' },
};

describe('scrubbedManifest', () => {
  const manifest: Manifest = {
    ...telling(readOwnManifest(startedRun())),
    phases: { launch: { started_at: '2026-01-01T00:00:00.000Z', duration_s: 1, status: 'ok' } },
    sidecars: { 'logs/launch.n1.log': { sha256: `sha256:${'0'.repeat(64)}`, bytes: 1, rows: null } },
  };
  const words = ['status', 'running', 'sha256', 'setup_failure', 'launch', 'model_descriptor', 'argv', 'demo', '2026'];

  it('keeps a manifest valid whatever the secrets are', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.constantFrom(...words), fc.string({ minLength: 4 })), { minLength: 1 }),
        (all) => {
          const scrubbed = scrubbedManifest(manifest, scrubberOf(all.map((value) => new SecretValue('x', value))));
          expect(manifestSchema.parse(scrubbed)).toEqual(scrubbed);
          const { status, workload_hash, test_id, phases, sidecars } = manifest;
          expect(scrubbed).toMatchObject({ status, workload_hash, test_id, phases, sidecars });
        },
      ),
    );
  });
});

describe('scrubbedValues', () => {
  it('scrubs what JSON would write, at any depth, and keeps keys and everything else', () => {
    const data = { [told]: [told, 1, null, true, { at: new Date(0), secret: new SecretValue('own', 'v') }] };
    expect(scrubbedValues(data, scrubber)).toEqual({
      [told]: [hidden, 1, null, true, { at: '1970-01-01T00:00:00.000Z', secret: '<SecretValue label=own>' }],
    });
  });
});

describe('without secrets', () => {
  it('nothing is copied', () => {
    const data = { a: ['b'] };
    expect(scrubbedValues(data, noSecrets)).toBe(data);
    expect(scrubbedTable(samplesTable, noSecrets)).toBe(samplesTable);
  });
});
