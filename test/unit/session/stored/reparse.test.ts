import { createHash } from 'node:crypto';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { llamaCppSpec } from '../../../../src/adapters/llama-cpp/params.ts';
import { loadTables } from '../../../../src/evidence/tables/load-tables.ts';
import type { Manifest } from '../../../../src/evidence/manifest.ts';
import { RUN_FILES } from '../../../../src/evidence/run-folder.ts';
import { checkEvidence, readManifest } from '../../../../src/evidence/run-reader.ts';
import { writeManifest } from '../../../../src/evidence/run-writer.ts';
import { readJsonArtifact } from '../../../../src/lifecycle/artifact.ts';
import type { Adapter, ParseContext, RunContext, WorkloadResult } from '../../../../src/lifecycle/adapter.ts';
import { importResults } from '../../../../src/session/import/import-results.ts';
import { reparse } from '../../../../src/session/stored/reparse.ts';
import type { Reparsed } from '../../../../src/session/stored/reparse.ts';
import { DEMO_CONFIG } from '../../demo-config.ts';
import { point, sample } from '../../evidence/rows.ts';
import { contextOf, runQuietly, Serving } from '../../lifecycle/job-bench.ts';
import { startedRun } from '../../started-run.ts';

const SLEEPER = { file: process.execPath, args: ['-e', 'console.log("up"); setInterval(() => {}, 1000)'] };

const resultsSchema = z.object({ ttfts_ms: z.array(z.number()), batch: z.number() });

/** What the workload left of itself. */
const RESULTS = JSON.stringify({ ttfts_ms: [10, 20, 30], batch: 12 });

/** A workload that leaves its results in an attachment, its rows in there too. */
class Attaching extends Serving {
  /** What this version of the parser makes of the batch. */
  batch: (batch: number) => Record<string, number> = () => ({});
  ttftMs: (ttftMs: number) => number = (ttftMs) => ttftMs;
  left = RESULTS;

  constructor(change: Partial<Attaching> = {}) {
    super(SLEEPER);
    Object.assign(this, change);
  }

  override async awaitCompletion({ writer }: RunContext): Promise<void> {
    writer.attach('results.json', this.left);
  }

  override async parse({ folder, writer }: ParseContext): Promise<WorkloadResult> {
    const results = await readJsonArtifact(join(folder, 'attachments/results.json'), resultsSchema);
    for (const [index, ttftMs] of results.ttfts_ms.entries()) {
      writer.sample(sample({ requestId: `r${index}`, ttftMs: this.ttftMs(ttftMs) }));
    }
    return this.result(results.batch);
  }

  protected result(batch: number): WorkloadResult {
    const scalars = { completed: 3, ...this.batch(batch) };
    return { scalars, applied: {}, frameworkVersions: {}, startedAtMs: 1, durationMs: 1000 };
  }
}

/** A workload whose rows come while it runs. */
class Live extends Attaching {
  moreRows = 0;

  constructor(change: Partial<Live> = {}) {
    super();
    Object.assign(this, change);
  }

  override async awaitCompletion(context: RunContext): Promise<void> {
    await super.awaitCompletion(context);
    for (let n = 0; n < 5; n++) context.writer.sample(sample({ requestId: `r${n}`, ttftMs: 10 + n }));
    context.writer.point(point({ step: 1, value: 2 }));
  }

  override async parse({ folder, writer }: ParseContext): Promise<WorkloadResult> {
    const results = await readJsonArtifact(join(folder, 'attachments/results.json'), resultsSchema);
    for (let n = 0; n < this.moreRows; n++) writer.sample(sample({ requestId: `more${n}` }));
    return this.result(results.batch);
  }
}

const broken = async (): Promise<never> => {
  throw new Error('this parser knows no such file');
};

async function run(adapter: Serving, config = DEMO_CONFIG): Promise<{ folder: string; manifest: Manifest }> {
  const request = startedRun(config);
  const context = contextOf(request);
  try {
    return { folder: request.folder, manifest: await runQuietly(adapter, context) };
  } finally {
    await context.hosts.close();
  }
}

/** Reads a run by a parser of another day. */
async function reparseBy(folder: string, adapter: Adapter, isDryRun = false): Promise<Reparsed> {
  const frameworks = [{ spec: llamaCppSpec, launchVersion: 1, create: () => adapter }];
  const reparsed = await reparse(folder, { frameworks, isDryRun });
  // Whatever came of it: the run is whole, and nothing is left beside it.
  await checkEvidence(folder, readManifest(folder), { hashes: 'all' });
  expect(readdirSync(dirname(folder))).toHaveLength(1);
  return reparsed;
}

/** Every file of a run with its hash. */
function contents(folder: string): Record<string, string> {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) =>
    statSync(join(folder, path)).isFile(),
  );
  const hash = (path: string): string =>
    createHash('sha256')
      .update(readFileSync(join(folder, path)))
      .digest('hex');
  return Object.fromEntries(paths.sort().map((path) => [path, hash(path)]));
}

const learned = (batch: number): Record<string, number> => ({ mean_batch: batch });

describe('reparse', () => {
  it('adds a figure that the parser has learned, and touches nothing else', async () => {
    const { folder, manifest } = await run(new Attaching());
    const { changes, manifest: now } = await reparseBy(folder, new Attaching({ batch: learned }));
    expect(changes).toEqual([
      { figure: 'mean_batch', before: null, after: 12 },
      { figure: 'rows', before: 3, after: 3 },
      { figure: 'points', before: 0, after: 0 },
    ]);
    expect(now).toEqual(readManifest(folder));
    const { result, reparses, verifications, sidecars } = manifest;
    expect(now).toEqual({
      ...manifest,
      result: { ...result, scalars: { ...result.scalars, mean_batch: 12 } },
      reparses: [{ reparsed_at: expect.any(String), tool_version: expect.any(String) }],
      verifications: [{ ...verifications[0], verified_at: now.reparses[0]?.reparsed_at }],
      sidecars: { ...sidecars, [verifications[0]!.file]: now.sidecars[verifications[0]!.file] },
    });
    expect(reparses).toEqual([]);
  });

  it('gives the same bytes when nothing has changed, as often as it is done', async () => {
    const { folder } = await run(new Attaching());
    const fresh = contents(folder);
    expect((await reparseBy(folder, new Attaching())).changes).toEqual([]);
    expect(contents(folder)).toEqual(fresh);
    await reparseBy(folder, new Attaching({ batch: learned }));
    const once = contents(folder);
    expect((await reparseBy(folder, new Attaching({ batch: learned }))).changes).toEqual([]);
    expect(contents(folder)).toEqual(once);
  });

  it('replaces rows that were read, and judges them by what the run was judged by', async () => {
    const { folder, manifest } = await run(new Attaching());
    expect(manifest).toMatchObject({ status: 'passed', captured_rows: { samples: 0, trajectory: 0 } });
    const { changes, manifest: now } = await reparseBy(folder, new Attaching({ ttftMs: (ttftMs) => ttftMs * 10 }));
    expect(changes).toEqual(
      expect.arrayContaining([
        { figure: 'status', before: 'passed', after: 'failed_verification' },
        { figure: 'verdict ttft_p99', before: 'passed', after: 'failed' },
        { figure: 'ttft_p50_ms', before: 20, after: 200 },
      ]),
    );
    expect(now.failure).toMatchObject({ category: 'verification_failure', originated_in_phase: 'verify' });
    expect(now.verdicts).toMatchObject([{ expected: 50, passed: false, source: manifest.verdicts[0]!.source }]);
    expect(now.verification_hash).toBe(manifest.verification_hash);
    const { samples } = await loadTables(folder);
    expect([...samples!.numeric('ttft_ms')!]).toEqual([100, 200, 300]);
    const back = await reparseBy(folder, new Attaching());
    expect(back.manifest).toMatchObject({ status: 'passed', failure: null, verdicts: manifest.verdicts });
    expect(back.manifest.sidecars['samples.parquet']).toEqual(manifest.sidecars['samples.parquet']);
    expect(back.manifest.reparses).toHaveLength(2);
  });

  it('leaves rows that came while the workload ran as they are, to the byte', async () => {
    const { folder, manifest } = await run(new Live());
    expect(manifest.captured_rows).toEqual({ samples: 5, trajectory: 1 });
    const before = contents(folder);
    const { manifest: now } = await reparseBy(folder, new Live({ batch: learned }));
    expect(now.result.scalars).toEqual({ ...manifest.result.scalars, mean_batch: 12 });
    const after = contents(folder);
    const changed = Object.keys(after).filter((path) => after[path] !== before[path]);
    expect(changed).toEqual([RUN_FILES.manifest, manifest.verifications[0]!.file]);
  });

  it('writes nothing in a dry run', async () => {
    const { folder } = await run(new Attaching());
    const before = contents(folder);
    const adapter = new Attaching({ ttftMs: (ttftMs) => ttftMs * 10, batch: learned });
    const { changes, manifest } = await reparseBy(folder, adapter, true);
    expect(changes).toContainEqual({ figure: 'mean_batch', before: null, after: 12 });
    expect(manifest.status).toBe('failed_verification');
    expect(contents(folder)).toEqual(before);
  });

  it('mends rows that somebody changed, where they can be read again', async () => {
    const { folder, manifest } = await run(new Attaching());
    const path = join(folder, RUN_FILES.samples);
    const bytes = readFileSync(path);
    bytes[20]! ^= 255;
    writeFileSync(path, bytes);
    await reparseBy(folder, new Attaching());
    expect(readManifest(folder).sidecars).toEqual(
      expect.objectContaining({ [RUN_FILES.samples]: manifest.sidecars[RUN_FILES.samples] }),
    );
  });

  it('clears what a process left that died while it read the run', async () => {
    const { folder } = await run(new Attaching());
    mkdirSync(join(dirname(folder), `.${basename(folder)}.reparse`));
    writeFileSync(join(dirname(folder), `.${basename(folder)}.reparse`, 'samples.arrows'), 'cut');
    writeFileSync(join(folder, 'samples.parquet.999999.tmp'), 'cut');
    const { manifest } = await reparseBy(folder, new Attaching({ batch: learned }));
    expect(manifest.result.scalars).toMatchObject({ requests: 3, mean_batch: 12 });
    expect(Object.keys(contents(folder)).filter((path) => path.endsWith('.tmp'))).toEqual([]);
  });

  describe('of an imported run', () => {
    const importOne = async (): Promise<{ folder: string; manifest: Manifest }> => {
      const artifacts = mkdtempSync(join(tmpdir(), 'assay-imported-'));
      const names = { testId: null, framework: null, model: null, gpu: null, knobs: {}, axes: {} };
      const file = new URL('../../../../fixtures/results/vllm-detailed.json', import.meta.url).pathname;
      const { runs } = await importResults(file, { artifacts, format: null, isAgain: false, as: { names } });
      return runs[0]!;
    };

    it('reads the file that it keeps, and comes to the same', async () => {
      const { folder, manifest } = await importOne();
      const before = contents(folder);
      const { changes } = await reparseBy(folder, new Attaching());
      expect(changes).toEqual([]);
      expect(contents(folder)).toEqual(before);
      writeManifest(folder, { ...manifest, result: { ...manifest.result, scalars: { completed: 1 } } });
      const { manifest: now } = await reparseBy(folder, new Attaching());
      const { result, verdicts, status, imported } = manifest;
      expect(now).toMatchObject({ result, verdicts, status, imported, reparses: [expect.anything()] });
      expect(now.sidecars['samples.parquet']).toEqual(manifest.sidecars['samples.parquet']);
    });
  });

  describe('of a run that could not be parsed', () => {
    it('makes it what its verdicts say, with the rows that came while it ran', async () => {
      const { folder, manifest } = await run(new Live({ parse: broken }));
      expect(manifest).toMatchObject({ status: 'failed_parse', samples_path: null, verifications: [] });
      const { manifest: now } = await reparseBy(folder, new Live());
      expect(now).toMatchObject({
        status: 'passed',
        failure: null,
        verdicts: [{ passed: true, n: 5 }],
        samples_path: 'samples.parquet',
        trajectory_path: 'trajectory.parquet',
        result: { scalars: { requests: 5 }, measured: { duration_ms: 1000 } },
      });
      expect(now.verifications).toMatchObject([{ status: 'passed', verification_hash: manifest.verification_hash }]);
      const once = contents(folder);
      await reparseBy(folder, new Live());
      expect(contents(folder)).toEqual(once);
    });

    it('does not count the rows that its first parser had read before it broke', async () => {
      const parse = async (context: ParseContext): Promise<never> => {
        await new Attaching().parse(context);
        throw new Error('half done');
      };
      const { folder } = await run(new Attaching({ parse }));
      const { manifest } = await reparseBy(folder, new Attaching());
      expect(manifest).toMatchObject({ status: 'passed', result: { scalars: { requests: 3 } } });
    });

    it('leaves it as it is when it still cannot be parsed', async () => {
      const { folder } = await run(new Live({ parse: broken }));
      const before = contents(folder);
      await expect(reparseBy(folder, new Live({ parse: broken }))).rejects.toMatchObject({
        code: 'PARSE_FAILED',
        message: `${folder} cannot be read: this parser knows no such file`,
      });
      expect(contents(folder)).toEqual(before);
    });
  });

  describe('refuses', () => {
    const attachment = 'attachments/results.json';
    const lost = /^restore the file; without it what the workload left of its results is lost/;

    it.each([
      ['is gone', (path: string) => rmSync(path), { code: 'EVIDENCE_MISSING', message: /results\.json is missing/ }],
      [
        'is cut short',
        (path: string) => truncateSync(path, 10),
        { code: 'EVIDENCE_DAMAGED', message: /results\.json has 10 bytes, 34 were recorded$/ },
      ],
      [
        'was changed',
        (path: string) => writeFileSync(path, RESULTS.replace('12', '13')),
        { code: 'EVIDENCE_DAMAGED', message: /results\.json has sha256:\w+, sha256:\w+ was recorded$/ },
      ],
    ])('a run of which an attachment %s, and says what is lost', async (_, damage, { code, message }) => {
      const { folder } = await run(new Attaching());
      damage(join(folder, attachment));
      const before = contents(folder);
      const refusal = { code, message: expect.stringMatching(message), hint: expect.stringMatching(lost) };
      await expect(reparseBy(folder, new Attaching())).rejects.toMatchObject(refusal);
      expect(contents(folder)).toEqual(before);
    });

    it('a run whose captured rows are not those that were recorded', async () => {
      const { folder } = await run(new Live());
      truncateSync(join(folder, RUN_FILES.samples), 100);
      await expect(reparseBy(folder, new Live())).rejects.toMatchObject({
        code: 'EVIDENCE_DAMAGED',
        hint: expect.stringContaining('the samples table, whose rows came while the workload ran'),
      });
    });

    it('to add rows to those that came while the workload ran', async () => {
      const { folder } = await run(new Live());
      const before = contents(folder);
      await expect(reparseBy(folder, new Live({ moreRows: 2 }))).rejects.toMatchObject({
        code: 'PARSE_FAILED',
        message: expect.stringMatching(/samples\.parquet has 5 rows .* reads 2 more: nobody could tell them apart$/),
      });
      expect(contents(folder)).toEqual(before);
    });

    it('a table that holds rows of both kinds', async () => {
      const { folder } = await run(new Live({ moreRows: 2 }));
      await expect(reparseBy(folder, new Live())).rejects.toMatchObject({
        code: 'PARSE_FAILED',
        message: expect.stringMatching(/samples\.parquet has 7 rows, of which 5 came while the workload ran/),
      });
    });

    it('a run that does not say which rows were captured', async () => {
      const { folder, manifest } = await run(new Live());
      writeManifest(folder, { ...manifest, schema_version: '1.1', captured_rows: null });
      await expect(reparseBy(folder, new Live())).rejects.toMatchObject({
        code: 'PARSE_FAILED',
        message: expect.stringContaining('a version before 1.2 wrote it'),
      });
    });

    it('figures that make no manifest', async () => {
      const { folder } = await run(new Attaching());
      const before = contents(folder);
      const parse: Adapter['parse'] = async (context) => ({
        ...(await new Attaching().parse(context)),
        applied: { threads: { asked: Number.NaN, applied: null } },
      });
      await expect(reparseBy(folder, new Attaching({ parse }))).rejects.toMatchObject({
        code: 'PARSE_FAILED',
        message: expect.stringContaining('result.applied.threads.asked'),
      });
      expect(contents(folder)).toEqual(before);
    });

    it('a run that failed before there was anything to parse, with the reason', async () => {
      const prepare = async (): Promise<never> => {
        throw new Error('no such model');
      };
      const { folder } = await run(new Attaching({ prepare }));
      await expect(reparseBy(folder, new Attaching())).rejects.toMatchObject({
        code: 'NOTHING_TO_PARSE',
        message: `${folder} has nothing to parse: its status is failed_setup (no such model)`,
      });
    });

    it('a run of a framework that has no parser', async () => {
      const { folder } = await run(new Attaching());
      await expect(reparse(folder, { frameworks: [] })).rejects.toMatchObject({
        code: 'PARSE_FAILED',
        message: 'this version has no parser for runs of llama_cpp',
      });
    });
  });
});
