import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadEngine, sqlText } from '../../../../src/evidence/duckdb.ts';
import { exportFacts } from '../../../../src/evidence/export/export.ts';
import type { ExportOptions } from '../../../../src/evidence/export/export.ts';
import { factOf } from '../../../../src/evidence/store/fact.ts';
import type { Manifest } from '../../../../src/evidence/manifest.ts';
import { writeManifest } from '../../../../src/evidence/run-writer.ts';
import { endedManifest, storeRun, verdictOf } from '../ended-run.ts';
import { temporaryFolder } from '../rows.ts';

/** An artifact directory beside an output. */
function place(): ExportOptions {
  const root = temporaryFolder();
  const artifacts = join(root, 'runs');
  return { artifacts, output: join(root, "o'ut[1]/fact.parquet"), isPartitioned: false, isFull: false, since: null };
}

async function query(sql: string): Promise<readonly Record<string, unknown>[]> {
  const connection = await (await loadEngine()).connect();
  try {
    return await (await connection.run(sql)).getRowObjectsJS();
  } finally {
    connection.closeSync();
  }
}

/** A file as SQL names it, whatever its path. */
const source = (path: string) => `read_parquet([${sqlText(path.replaceAll('[', '[[]'))}])`;
const rowsOf = (path: string) => query(`SELECT * FROM ${source(path)}`);
const typesOf = async (path: string) =>
  Object.fromEntries(
    (await query(`DESCRIBE SELECT * FROM ${source(path)}`)).map((row) => [row['column_name'], row['column_type']]),
  );

const figures = (values: Record<string, number | null>): Manifest['result'] => ({
  scalars: values,
  applied: {},
  measured: { started_at_ms: null, duration_ms: null },
});

const PYTHON = 'import pandas, pyarrow';

function whyNoPandas(): string | null {
  try {
    execFileSync('python3', ['-c', PYTHON], { stdio: 'pipe' });
    return null;
  } catch (thrown) {
    return String((thrown as { stderr?: Buffer }).stderr ?? thrown)
      .trim()
      .split('\n')
      .at(-1)!;
  }
}

/** Three nights of one cell, and a run of each kind that the notebook leaves out. */
function storeNights({ artifacts }: ExportOptions): void {
  const night = (sha: string, ttft: number, other: Partial<Manifest> = {}) =>
    storeRun(
      artifacts,
      endedManifest({
        git_sha: sha,
        knobs: { attention: 'aiter', quant: 'fp4' },
        result: figures({ ttft_p99_ms: ttft }),
        ...other,
      }),
    );
  night('aaa', 40);
  night('aaa', 44);
  night('bbb', 73.4);
  night('ccc', 1, { cell_id: 'balanced-conc32' });
  night('ccc', 1, { knobs: { attention: 'aiter', quant: 'fp8' } });
  night('ccc', 1, { target_gpu: 'mi300x' });
  night('ccc', 1, { model_descriptor: { id: 'gpt-oss-20b' } });
}

describe('the notebook of the requirement', () => {
  it('finds the regression by DuckDB', async () => {
    const options = place();
    storeNights(options);
    await exportFacts(options);
    const sub = `SELECT * FROM ${source(options.output)} WHERE framework = 'vllm' AND model = 'gpt_oss_120b'
      AND knob_attention = 'aiter' AND knob_quant = 'fp4' AND gpu = 'mi355x' AND cell_id = 'balanced-conc64'`;
    expect(
      await query(`SELECT cvs_git_sha, median(ttft_p99_ms) AS median FROM (${sub}) GROUP BY 1 ORDER BY 1`),
    ).toEqual([
      { cvs_git_sha: 'aaa', median: 42 },
      { cvs_git_sha: 'bbb', median: 73.4 },
    ]);
  });

  const missing = whyNoPandas();
  it.skipIf(missing !== null)(
    `finds it by pandas, word for word${missing === null ? '' : ` (${missing})`}`,
    async () => {
      const options = place();
      storeNights(options);
      await exportFacts(options);
      const notebook = `
import pandas as pd
fact = pd.read_parquet("fact.parquet")
sub = fact.query(
    "framework == 'vllm' and model == 'gpt_oss_120b' "
    "and knob_attention == 'aiter' and knob_quant == 'fp4' "
    "and gpu == 'mi355x' and cell_id == 'balanced-conc64'"
)
print(sub.groupby("cvs_git_sha")["ttft_p99_ms"].median().to_json())
`;
      const printed = execFileSync('python3', ['-c', notebook], { cwd: join(options.output, '..') }).toString();
      expect(JSON.parse(printed)).toEqual({ aaa: 42, bbb: 73.4 });
    },
  );
});

describe('exportFacts', () => {
  it('writes a row per run in order of the runs, with what it is in the metadata', async () => {
    const options = place();
    const ids = [1, 2, 3].map((n) => {
      const manifest = endedManifest({ test_id: `z${9 - n}` });
      storeRun(options.artifacts, manifest);
      return manifest.run_id;
    });
    const exported = await exportFacts(options);
    expect(exported).toMatchObject({ rows: 3, added: 3, changed: 0, files: [options.output], unreadable: [] });
    expect((await rowsOf(options.output)).map((row) => row['run_id'])).toEqual(ids);
    const metadata = await query(
      `SELECT decode(key) AS key, decode(value) AS value FROM parquet_kv_metadata(${sqlText(options.output.replaceAll('[', '[[]'))})`,
    );
    expect(metadata).toEqual(
      expect.arrayContaining([
        { key: 'assay.table', value: 'fact' },
        { key: 'assay.schema_version', value: '1' },
        { key: 'assay.writer', value: expect.stringMatching(/^duckdb v/) },
      ]),
    );
    expect(readdirSync(join(options.output, '..'))).toEqual(['fact.parquet']);
  });

  it('keeps the types of columns that were null so far', async () => {
    const options = place();
    storeRun(options.artifacts, endedManifest({ result: figures({ ttft_p99_ms: null }), git_sha: null }));
    await exportFacts(options);
    const before = await typesOf(options.output);
    expect(before).toMatchObject({
      ttft_p99_ms: 'DOUBLE',
      timestamp_end: 'TIMESTAMP',
      enforce: 'BOOLEAN',
      git_sha: 'VARCHAR',
    });
    storeRun(options.artifacts, endedManifest({ result: figures({ ttft_p99_ms: 40 }), verdicts: [verdictOf('x')] }));
    await exportFacts(options);
    expect(await typesOf(options.output)).toEqual({
      ...before,
      x_actual: 'DOUBLE',
      x_expected: 'DOUBLE',
      x_margin: 'DOUBLE',
      x_passed: 'BOOLEAN',
    });
    expect(await rowsOf(options.output)).toMatchObject([{ ttft_p99_ms: null, x_passed: null }, { ttft_p99_ms: 40 }]);
  });

  it('makes text of a knob that is a number in one run and a word in another', async () => {
    const options = place();
    for (const chunk of [512, 0.5, 'auto', true]) {
      storeRun(options.artifacts, endedManifest({ knobs: { chunk } }));
      await exportFacts(options);
    }
    expect((await rowsOf(options.output)).map((row) => row['knob_chunk'])).toEqual(['512', '0.5', 'auto', 'true']);
  });

  it('has a column for every figure and knob, whatever its name', async () => {
    const name = fc.string({ unit: 'binary', maxLength: 6 });
    // A manifest is JSON, which has no negative zero.
    const value = fc.double().map((double) => double + 0);
    await fc.assert(
      fc.asyncProperty(fc.dictionary(name, value), fc.dictionary(name, name), async (values, knobs) => {
        const options = place();
        const finite = Object.entries(values).filter(([, double]) => Number.isFinite(double));
        const manifest = endedManifest({ knobs, result: figures(Object.fromEntries(finite)) });
        storeRun(options.artifacts, manifest);
        const { columns } = await exportFacts(options);
        const fact = factOf(manifest, '');
        expect(columns).toBe(Object.keys(fact).length + 1);
        // Longer than any name above: a column of that name would be taken for the row.
        const [row] = await query(`SELECT to_json(whole_row) AS json FROM ${source(options.output)} whole_row`);
        const { path: _path, timestamp_start: _start, timestamp_end: _end, ...rest } = fact;
        expect(Object.entries(JSON.parse(String(row?.['json'])) as object)).toEqual(
          expect.arrayContaining(Object.entries(rest)),
        );
      }),
      { numRuns: 30 },
    );
  });

  it('keeps the rows of runs that were deleted, until all is made anew', async () => {
    const options = place();
    const [first, second] = [endedManifest(), endedManifest()];
    rmSync(storeRun(options.artifacts, first), { recursive: true });
    const folder = storeRun(options.artifacts, first);
    storeRun(options.artifacts, second);
    await exportFacts(options);
    rmSync(folder, { recursive: true });
    expect(await exportFacts(options)).toMatchObject({ rows: 2, added: 0, changed: 0, files: [] });
    expect(await exportFacts({ ...options, isFull: true })).toMatchObject({ rows: 1, added: 1 });
    expect(await rowsOf(options.output)).toMatchObject([{ run_id: second.run_id }]);
  });

  it('reads only runs that began since', async () => {
    const options = place();
    for (const day of ['01', '02', '03']) {
      storeRun(options.artifacts, endedManifest({ timestamp_start: `2026-10-${day}T00:00:00.000Z`, git_sha: day }));
    }
    const since = new Date('2026-10-02');
    expect(await exportFacts({ ...options, since: new Date('2026-10-04') })).toMatchObject({ rows: 0, files: [] });
    expect(existsSync(options.output)).toBe(false);
    expect(await exportFacts({ ...options, since })).toMatchObject({ rows: 2 });
    expect(await rowsOf(options.output)).toMatchObject([{ git_sha: '02' }, { git_sha: '03' }]);
  });

  it('writes one file per experiment, and later only those that changed', async () => {
    const options: ExportOptions = { ...place(), isPartitioned: true };
    const store = (id: string) => storeRun(options.artifacts, endedManifest({ experiment_id: id }));
    const [left, right] = ['vllm/a b/fp4+x/cpu', "vllm/b*'/-/cpu"];
    store(left!);
    store(right!);
    const { files } = await exportFacts(options);
    const untouched = statSync(files[1]!);
    store(left!);
    expect(await exportFacts(options)).toMatchObject({ rows: 3, added: 1, files: [files[0]] });
    expect(statSync(files[1]!)).toMatchObject({ ino: untouched.ino, mtimeMs: untouched.mtimeMs });
    const all = `read_parquet(${sqlText(`${options.output.replaceAll('[', '[[]')}/*/*.parquet`)}, hive_partitioning = true)`;
    expect(await query(`SELECT experiment_id, count(*)::INT AS runs FROM ${all} GROUP BY 1 ORDER BY 1`)).toEqual([
      { experiment_id: left, runs: 2 },
      { experiment_id: right, runs: 1 },
    ]);
  });

  it('refuses to add to a file that is something else, and replaces it when told to', async () => {
    const options = place();
    storeRun(options.artifacts, endedManifest());
    await exportFacts(options);
    writeFileSync(options.output, 'my notes');
    await expect(exportFacts(options)).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining(options.output),
    });
    expect(readFileSync(options.output, 'utf8')).toBe('my notes');
    expect(await exportFacts({ ...options, isFull: true })).toMatchObject({ rows: 1 });
  });

  it('leaves out runs that cannot be read, and says which', async () => {
    const options = place();
    storeRun(options.artifacts, endedManifest());
    const folder = storeRun(options.artifacts, endedManifest());
    writeFileSync(join(folder, 'manifest.json'), '{');
    expect(await exportFacts(options)).toMatchObject({
      rows: 1,
      unreadable: [{ folder, reason: expect.stringContaining(folder) }],
    });
  });
});

const knob = fc.constantFrom<string | number | boolean>('a', 7, 0.25, 1e-7, 1e21, true);
const step = fc.oneof(
  fc.record({
    kind: fc.constant('add' as const),
    knob,
    figure: fc.option(fc.double({ noNaN: true, noDefaultInfinity: true })),
  }),
  fc.record({
    kind: fc.constant('change' as const),
    which: fc.nat(9),
    figure: fc.double({ noNaN: true, noDefaultInfinity: true }),
  }),
  fc.record({ kind: fc.constant('export' as const) }),
);

describe('an export in steps', () => {
  it.each([false, true])('is the same as one at the end (partitioned: %s)', async (isPartitioned) => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 12 }), async (steps) => {
        const root = temporaryFolder();
        const [artifacts, one, other] = ['runs', 'steps', 'once'].map((name) => join(root, name)) as [
          string,
          string,
          string,
        ];
        const options = { artifacts, isPartitioned, isFull: false, since: null };
        const stored: { folder: string; manifest: Manifest }[] = [];
        for (const made of [...steps, { kind: 'export' as const }]) {
          if (made.kind === 'export') await exportFacts({ ...options, output: one });
          if (made.kind === 'add') {
            const experiment = `x/${stored.length % 2}`;
            const manifest = endedManifest({
              experiment_id: experiment,
              knobs: { k: made.knob, [`only_${stored.length}`]: 1 },
              result: figures({ f: made.figure }),
            });
            stored.push({ folder: storeRun(artifacts, manifest), manifest });
          }
          const changed = made.kind === 'change' ? stored[made.which % Math.max(1, stored.length)] : undefined;
          if (made.kind === 'change' && changed !== undefined) {
            const verifications = [...changed.manifest.verifications, VERIFICATION];
            changed.manifest = {
              ...changed.manifest,
              verifications,
              verdicts: [verdictOf('x', { actual: made.figure })],
            };
            writeManifest(changed.folder, changed.manifest);
          }
        }
        rmSync(join(artifacts, 'catalog.jsonl'), { force: true });
        await exportFacts({ ...options, output: other });
        expect(await allIn(one)).toEqual(await allIn(other));
      }),
      { numRuns: 15 },
    );
  });
});

const VERIFICATION: Manifest['verifications'][number] = {
  verification_hash: endedManifest().config_hash,
  verified_at: '2026-10-01T00:00:00.000Z',
  status: 'passed',
  file: 'verifications/x.json',
};

/** The rows and types of every file of an output. */
async function allIn(output: string): Promise<unknown> {
  if (!existsSync(output)) return null;
  const files = statSync(output).isDirectory()
    ? readdirSync(output).map((folder) => join(output, folder, 'fact.parquet'))
    : [output];
  return Promise.all(
    files.map(async (file) => [file.slice(output.length), await typesOf(file), await rowsOf(file)] as const),
  );
}
