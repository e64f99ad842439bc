import { existsSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Manifest } from '../../../../src/evidence/manifest.ts';
import { queryRuns } from '../../../../src/evidence/query/query.ts';
import type { Cell } from '../../../../src/evidence/query/query-value.ts';
import { storedRuns } from '../../../../src/evidence/store/run-store.ts';
import { endedManifest, leaveRun, leaveSamples, leaveTrajectory } from '../leave-run.ts';
import { point, sample, temporaryFolder } from '../rows.ts';

/** What a query answers over an artifact directory, as objects. */
async function ask(artifacts: string, sql: string) {
  const runs = [...storedRuns(artifacts)];
  return queryRuns({ sql, name: 'query' }, { runs, onUnreadable: () => undefined }, async ({ columns, batches }) => {
    const rows: Record<string, Cell>[] = [];
    for await (const batch of batches) {
      for (const row of batch)
        rows.push(Object.fromEntries(columns.map(({ name }, index) => [name, row[index] ?? null])));
    }
    return rows;
  });
}

const verdict: Manifest['verdicts'][number] = {
  kind: 'Percentile',
  metric: 'ttft_ms',
  benchmark: 'ttft_p99',
  op: '<=',
  expected: 50,
  actual: 73.4,
  passed: false,
  margin: -23.4,
  n: 100,
  interval: { low: 60, high: null, confidence: 0.95 },
  outcome: 'failed',
  detail: 'P99 is 73.4 ms',
  evidence: { file: 'samples.parquet' },
};

const withScalars = (scalars: Record<string, number | null>): Pick<Manifest, 'result'> => ({
  result: { scalars, applied: {}, measured: { started_at_ms: null, duration_ms: null } },
});

/** Two runs in a folder whose name is hard to quote; the first has requests and curves. */
async function leaveTwo(folderOfTest = temporaryFolder()) {
  const artifacts = join(folderOfTest, "it's [a] *?");
  const first = endedManifest({
    cell_id: 'conc1',
    verdicts: [verdict],
    ...withScalars({ ttft_p99_ms: 73.4, odd: null }),
  });
  const second = endedManifest({ cell_id: 'conc2', ...withScalars({ ttft_p99_ms: 40, odd: 1 }) });
  const folder = leaveRun(artifacts, first);
  leaveRun(artifacts, second);
  await leaveSamples(folder, [sample({ requestId: 'slow', e2elMs: 900 }), sample({ requestId: 'fast', e2elMs: 80 })]);
  await leaveTrajectory(folder, [point({ step: 1 }), point({ step: 2, rank: 3 })]);
  return { artifacts, folder, first, second };
}

describe('queryRuns', () => {
  it('answers from runs, with times as times and figures as numbers', async () => {
    const { artifacts, first, second } = await leaveTwo();
    expect(
      await ask(
        artifacts,
        'SELECT run_id, ttft_p99_ms, odd, timestamp_end, timestamp_end > now() AS later FROM runs ORDER BY run_id',
      ),
    ).toEqual(
      [
        { run_id: first.run_id, ttft_p99_ms: 73.4, odd: null, timestamp_end: '2026-05-28T20:14:52Z', later: false },
        { run_id: second.run_id, ttft_p99_ms: 40, odd: 1, timestamp_end: '2026-05-28T20:14:52Z', later: false },
      ].map((row) => ({ ...row, later: expect.any(Boolean) as boolean })),
    );
  });

  it('reads every column of runs, also one that holds texts here and numbers there', async () => {
    const artifacts = temporaryFolder();
    leaveRun(artifacts, endedManifest({ knobs: { quant: 8, 'a"b': true } }));
    leaveRun(artifacts, endedManifest({ knobs: { quant: 'fp4' } }));
    expect(await ask(artifacts, `SELECT knob_quant AS quant, "knob_a""b" AS flag FROM runs ORDER BY run_id`)).toEqual([
      { quant: '8', flag: true },
      { quant: 'fp4', flag: null },
    ]);
  });

  it('has more runs than one chunk of the engine', async () => {
    const artifacts = temporaryFolder();
    leaveRun(artifacts, endedManifest());
    const [run] = [...storedRuns(artifacts)];
    const runs = Array.from({ length: 5000 }, (_, index) => ({ ...run!, fact: { ...run!.fact, index } }));
    const source = { runs, onUnreadable: () => undefined };
    const query = { sql: 'SELECT index FROM runs ORDER BY index', name: 'query' };
    const rows = await queryRuns(query, source, async ({ batches }) => {
      const all: Cell[] = [];
      for await (const batch of batches) all.push(...batch.map(([index = null]) => index));
      return all;
    });
    expect(rows).toEqual(runs.map((_, index) => index));
  });

  it('answers one row per verdict', async () => {
    const { artifacts, first } = await leaveTwo();
    const { interval: _, evidence: __, ...flat } = verdict;
    expect(await ask(artifacts, 'FROM verdicts')).toEqual([
      {
        run_id: first.run_id,
        test_id: 'demo',
        cell_id: 'conc1',
        framework: 'llama_cpp',
        model: 'tiny',
        gpu: 'cpu',
        timestamp_start: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
        ...flat,
        interval_low: 60,
        interval_high: null,
      },
    ]);
  });

  it('says whose verdicts it cannot read, and answers for the others', async () => {
    const { artifacts, folder } = await leaveTwo();
    const runs = [...storedRuns(artifacts)];
    writeFileSync(join(folder, 'manifest.json'), '{');
    const told: string[] = [];
    const source = { runs, onUnreadable: (run: string) => void told.push(run) };
    const query = { sql: 'FROM verdicts', name: 'query' };
    await queryRuns(query, source, async ({ batches }) => {
      for await (const batch of batches) expect(batch).toEqual([]);
    });
    expect(told).toEqual([folder]);
  });

  it('answers from all samples and curves, each with its run', async () => {
    const { artifacts, first } = await leaveTwo();
    const ids = { run_id: first.run_id, test_id: 'demo', cell_id: 'conc1' };
    expect(
      await ask(
        artifacts,
        'SELECT run_id, test_id, cell_id, request_id, itls_ms, ok FROM samples ORDER BY e2el_ms DESC',
      ),
    ).toEqual([
      { ...ids, request_id: 'slow', itls_ms: [3, 4], ok: true },
      { ...ids, request_id: 'fast', itls_ms: [3, 4], ok: true },
    ]);
    expect(await ask(artifacts, 'SELECT run_id, test_id, cell_id, step, rank FROM trajectory ORDER BY step')).toEqual([
      { ...ids, step: 1, rank: null },
      { ...ids, step: 2, rank: 3 },
    ]);
    expect(await ask(artifacts, 'SELECT count(*) AS n FROM samples JOIN runs USING (run_id, cell_id)')).toEqual([
      { n: 2 },
    ]);
  });

  it('has the columns of samples and curves also where no run has any', async () => {
    const artifacts = temporaryFolder();
    leaveRun(artifacts, endedManifest());
    expect(await ask(artifacts, 'SELECT run_id, ttft_ms, len(itls_ms) FROM samples')).toEqual([]);
    expect(await ask(artifacts, 'SELECT max(step) AS step FROM trajectory')).toEqual([{ step: null }]);
    expect(await ask(artifacts, 'SHOW TABLES')).toEqual(
      ['runs', 'samples', 'trajectory', 'verdicts'].map((name) => ({ name })),
    );
  });

  it('answers every type as plain data', async () => {
    const { artifacts } = await leaveTwo();
    const sql = `SELECT sum(9007199254740993::BIGINT) AS big, 2::HUGEINT AS small, 1.50::DECIMAL(5, 2) AS price,
      TIMESTAMP '2026-05-28 20:01:08.25' AS ts, date_trunc('second', TIMESTAMPTZ '2026-05-28 20:01:08+02') AS tz,
      DATE '2026-05-28' AS day, {'a': [1::BIGINT, NULL]} AS struct, MAP {'k': 1} AS map, 'x' AS x, 'y' AS x,
      'nan'::DOUBLE AS nan, INTERVAL 3 DAY AS days`;
    expect(await ask(artifacts, sql)).toEqual([
      {
        big: '9007199254740993',
        small: 2,
        price: 1.5,
        ts: '2026-05-28T20:01:08.25Z',
        tz: '2026-05-28T18:01:08Z',
        day: '2026-05-28',
        struct: { a: [1, null] },
        map: [{ key: 'k', value: 1 }],
        x: 'x',
        'x:1': 'y',
        nan: NaN,
        days: '3 days',
      },
    ]);
  });
});

/** The same, once for many tests that change nothing. */
const shared = once(() => leaveTwo(mkdtempSync(join(tmpdir(), 'assay-query-'))));

function once<Value>(make: () => Value): () => Value {
  let made: Value | null = null;
  return () => (made ??= make());
}

describe('a query that is not right', () => {
  it.each([
    [
      'SELECT ttft_p99_sm FROM runs',
      'query:1:8: Referenced column "ttft_p99_sm" not found',
      'did you mean ttft_p99_ms?',
    ],
    ['SELECT *\nFROM rnus', 'query:2:6: Table with name rnus does not exist!', 'did you mean runs?'],
    [
      "SELECT '漢字', nowhere FROM samples",
      'query:1:14: Referenced column "nowhere"',
      'DESCRIBE samples lists the columns',
    ],
    [`SELECT ${'1, '.repeat(90)}\tsamplse.x FROM samples`, 'query:1:279: Referenced table', 'did you mean samples?'],
    ['SELECT 1 FROM runs WHERE framework = "vllm"', 'query:1:38: ', "a text takes single quotes: 'vllm'"],
    ['SELCT 1', 'query:1:1: syntax error at or near "SELCT"', 'see assay query --help for examples'],
    ['SELECT 1 +', 'query: syntax error at end of input', 'see assay query --help for examples'],
    ['SELECT medain(ttft_p99_ms) FROM runs', 'query:1:8: Scalar Function with name medain', 'did you mean median?'],
    ['SELECT 1; SELECT 2', 'query: there are 2 statements', 'write one at a time'],
    ['PIVOT runs ON status', 'query: there are 2 statements', "name its values: PIVOT ... ON column IN ('a', 'b')"],
    [' ; -- nothing', 'query: there is no query', "write one in quotes: assay query 'SELECT * FROM runs'"],
    [
      'SELECT cell_id::INTEGER FROM runs',
      'query:1:15: Could not convert string',
      'see assay query --help for examples',
    ],
  ])('%j is told with its place', async (sql, message, hint) => {
    const { artifacts } = await shared();
    await expect(ask(artifacts, sql)).rejects.toMatchObject({
      name: 'AssayError',
      code: 'USAGE',
      message: expect.stringContaining(message) as string,
      hint,
    });
  });

  it('marks the place below its line', async () => {
    const { artifacts } = await shared();
    await expect(ask(artifacts, 'SELECT run_id,\n\tnowhere\nFROM runs')).rejects.toThrow(
      'query:2:2: Referenced column "nowhere" not found in FROM clause!\n\n    nowhere\n    ^\n',
    );
  });

  it('names the file of a run that is damaged', async () => {
    const { artifacts, folder } = await leaveTwo();
    writeFileSync(join(folder, 'samples.parquet'), 'PAR1 or so');
    await expect(ask(artifacts, 'FROM samples')).rejects.toMatchObject({
      code: 'EVIDENCE_DAMAGED',
      message: expect.stringContaining(join(folder, 'samples.parquet')) as string,
      hint: 'assay verify --evidence says which runs are damaged',
    });
  });
});

describe('a query', () => {
  it.each([
    "FROM read_text('/etc/passwd')",
    "FROM '/etc/passwd'",
    "FROM read_csv('MANIFEST')",
    "FROM read_json('MANIFEST')",
    "FROM glob('/etc/*')",
    "FROM read_parquet('http://127.0.0.1:9/x.parquet')",
    'FROM duckdb_secrets()',
    'SELECT ST_Point(1, 2)',
    "COPY runs TO 'EVIL'",
    "COPY (SELECT 1) TO 'EVIL' (FORMAT parquet)",
    "EXPORT DATABASE 'EVIL'",
    "ATTACH 'EVIL'",
    "EXPLAIN ANALYZE COPY runs TO 'EVIL'",
    'INSTALL httpfs',
    'LOAD httpfs',
    'SET enable_external_access = true',
    'SET autoinstall_known_extensions = true',
    'DROP TABLE runs',
    'CALL duckdb_tables()',
    "PRAGMA enable_profiling('json')",
  ])('cannot leave the evidence: %s', async (sql) => {
    const { artifacts, folder } = await shared();
    const evil = join(temporaryFolder(), 'evil');
    const text = sql.replace('EVIL', evil).replace('MANIFEST', join(folder, 'manifest.json').replaceAll("'", "''"));
    await ask(artifacts, 'FROM runs');
    const before = readdirSync(artifacts, { recursive: true });
    await expect(ask(artifacts, `${text} /* runs samples */`)).rejects.toMatchObject({
      name: 'AssayError',
      code: 'USAGE',
    });
    expect(existsSync(evil)).toBe(false);
    expect(readdirSync(artifacts, { recursive: true })).toEqual(before);
  });

  it.each([
    'WITH r AS (FROM runs) FROM r',
    'SUMMARIZE runs',
    'DESCRIBE samples',
    'SHOW TABLES',
    'PRAGMA show_tables',
    'FROM runs;',
  ])('may be %s', async (sql) => {
    const { artifacts } = await shared();
    expect(await ask(artifacts, sql)).not.toEqual([]);
  });
});
