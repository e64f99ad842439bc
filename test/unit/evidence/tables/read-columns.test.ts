import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TableSchema } from '../../../../src/evidence/tables/column-schema.ts';
import { samplesTable, trajectoryTable } from '../../../../src/evidence/tables/column-schema.ts';
import { writeParquet } from '../../../../src/evidence/tables/parquet.ts';
import { readSamples, readTrajectory } from '../../../../src/evidence/tables/read-columns.ts';
import type { SampleRow } from '../../../../src/evidence/tables/samples.ts';
import type { Series } from '../../../../src/evidence/tables/tables.ts';
import type { TrajectoryRow } from '../../../../src/evidence/tables/trajectory.ts';
import { anyPoint, anySample, captured, point, sample, temporaryFolder } from '../rows.ts';

let files = 0;

/** The Parquet file of these rows. */
async function parquetOf<Row>(folder: string, table: TableSchema<Row>, rows: readonly Row[]): Promise<string> {
  files += 1;
  const stream = join(folder, `${files}.arrows`);
  const path = join(folder, `${files}.parquet`);
  await captured(stream, table, [rows.slice(0, 3), rows.slice(3)]);
  await writeParquet(stream, path, table);
  return path;
}

const numericColumns = {
  ts: (row: SampleRow) => Math.round(row.tsMs * 1000) / 1000,
  ttft_ms: (row: SampleRow) => row.ttftMs,
  tpot_ms: (row: SampleRow) => row.tpotMs,
  itl_ms: (row: SampleRow) => row.itlMs,
  e2el_ms: (row: SampleRow) => row.e2elMs,
  input_tokens: (row: SampleRow) => row.inputTokens,
  output_tokens: (row: SampleRow) => row.outputTokens,
  lateness_ms: (row: SampleRow) => row.latenessMs,
};

// Every example of a property makes a Parquet file of its own.
const SLOW = { timeout: 60_000 };

describe('readSamples', () => {
  it('gives back every value of every row', SLOW, async () => {
    const folder = temporaryFolder();
    await fc.assert(
      fc.asyncProperty(fc.array(anySample, { maxLength: 8 }), async (rows) => {
        const samples = await readSamples(await parquetOf(folder, samplesTable, rows));
        expect(samples.rows).toBe(rows.length);
        for (const [name, of] of Object.entries(numericColumns)) {
          expect([...(samples.numeric(name) ?? [])], name).toEqual(rows.map((row) => of(row) ?? NaN));
        }
        expect([...samples.ok]).toEqual(rows.map((row) => (row.ok ? 1 : 0)));
        expect(samples.roles).toEqual(rows.map((row) => row.role));
        expect(samples.hosts).toEqual(rows.map((row) => row.host));
        expect(samples.requestIds).toEqual(rows.map((row) => row.requestId.replaceAll('\0', '\uFFFD')));
        expect([...rows.keys(), rows.length].map((row) => samples.requestId(row))).toEqual([
          ...samples.requestIds,
          undefined,
        ]);
        const { offsets = [], values = new Float64Array() } = samples.itls ?? {};
        const lists = rows.map((_, i) => [...values.subarray(offsets[i], offsets[i + 1])]);
        expect(lists).toEqual(rows.map((row) => row.itlsMs));
      }),
      { numRuns: 25 },
    );
  });

  // A large file is read another way than a small one.
  const filler = Array.from({ length: 9000 }, (_, i) => sample({ requestId: `request ${i}`, itlsMs: [i] }));

  it('gives back every text and gap of a large file', SLOW, async () => {
    const folder = temporaryFolder();
    await fc.assert(
      fc.asyncProperty(fc.array(anySample, { maxLength: 8 }), async (odd) => {
        const rows = [...odd, ...filler];
        const samples = await readSamples(await parquetOf(folder, samplesTable, rows));
        expect(samples.roles).toEqual(rows.map((row) => row.role));
        expect(samples.hosts).toEqual(rows.map((row) => row.host));
        expect(samples.requestIds).toEqual(rows.map((row) => row.requestId.replaceAll('\0', '\uFFFD')));
        const { offsets = [], values = new Float64Array() } = samples.itls ?? {};
        expect([...values]).toEqual(rows.flatMap((row) => row.itlsMs));
        expect(offsets.at(-1)).toBe(values.length);
      }),
      { numRuns: 10 },
    );
  });

  it.each([
    ['small', []],
    ['large', filler],
  ])('has an empty text and a false flag where a %s file has null', async (_, rest) => {
    const nullable = (name: string) => ({ name, nullable: true, description: '', of: () => null });
    const others = samplesTable.columns.filter(({ name }) => !['role', 'host', 'ok', 'itls_ms'].includes(name));
    const columns = [
      ...others,
      { ...nullable('role'), type: 'VARCHAR' },
      { ...nullable('host'), type: 'VARCHAR', of: (row: SampleRow) => (row.requestId === 'first' ? null : row.host) },
      { ...nullable('ok'), type: 'BOOLEAN' },
      { ...nullable('itls_ms'), type: 'DOUBLE[]' },
    ] as const;
    const rows = [sample({ requestId: 'first', host: 'n1' }), sample({ host: 'n1' }), ...rest];
    const table = { name: 'samples', version: '1', columns } as const;
    const samples = await readSamples(await parquetOf(temporaryFolder(), table, rows));
    expect(samples.hosts.slice(0, 2)).toEqual(['', 'n1']);
    expect(new Set(samples.roles)).toEqual(new Set(['']));
    expect(new Set(samples.ok)).toEqual(new Set([0]));
    expect(samples.itls?.values).toHaveLength(0);
  });

  it('keeps the order of the rows over chunks, row groups and packs', SLOW, async () => {
    const count = 70_000;
    const rows = Array.from({ length: count }, (_, i) =>
      sample({ requestId: `request ${i}`, ttftMs: i, host: `n${i % 5}`, ok: i % 3 === 0, itlsMs: i % 2 ? [i] : [] }),
    );
    const samples = await readSamples(await parquetOf(temporaryFolder(), samplesTable, rows));
    const ttft = samples.numeric('ttft_ms');
    const { offsets, values } = samples.itls ?? { offsets: [], values: [] };
    const wrong = rows.findIndex(
      (row, i) =>
        ttft?.[i] !== i ||
        samples.requestIds[i] !== row.requestId ||
        samples.hosts[i] !== row.host ||
        samples.ok[i] !== (row.ok ? 1 : 0) ||
        (offsets[i + 1] ?? NaN) - (offsets[i] ?? NaN) !== row.itlsMs.length ||
        (row.itlsMs.length > 0 && values[offsets[i] ?? -1] !== i),
    );
    expect(wrong).toBe(-1);
    expect(samples.requestIds).toHaveLength(count);
    const some = [0, 2047, 2048, count - 1];
    expect(some.map((row) => samples.requestId(row))).toEqual(some.map((row) => `request ${row}`));
    expect([-1, count].map((row) => samples.requestId(row))).toEqual([undefined, undefined]);
  });

  it('says NaN for a gap that was not finite', async () => {
    const samples = await readSamples(
      await parquetOf(temporaryFolder(), samplesTable, [sample({ itlsMs: [1, Infinity, 2] })]),
    );
    expect([...(samples.itls?.values ?? [])]).toEqual([1, NaN, 2]);
  });

  it('knows which columns are numbers', async () => {
    const samples = await readSamples(await parquetOf(temporaryFolder(), samplesTable, [sample()]));
    expect(samples.numeric('no_such_column')).toBeNull();
    expect(samples.numeric('host')).toBeNull();
    expect(samples.numeric('itls_ms')).toBeNull();
  });

  it('has the columns that a framework added, and no itls where the file has none', async () => {
    const table = {
      name: 'samples',
      version: '1',
      columns: [
        ...samplesTable.columns.filter((column) => column.name !== 'itls_ms'),
        { name: 'kv_transfer_ms', type: 'DOUBLE', nullable: true, description: '', of: () => 7.5 },
      ],
    } as const;
    const samples = await readSamples(await parquetOf(temporaryFolder(), table, [sample()]));
    expect([...(samples.numeric('kv_transfer_ms') ?? [])]).toEqual([7.5]);
    expect(samples.itls).toBeNull();
  });

  it('loads only the columns asked for, and does not pass another one off as missing', async () => {
    const samples = await readSamples(await parquetOf(temporaryFolder(), samplesTable, [sample()]), ['ttft_ms']);
    expect([...(samples.numeric('ttft_ms') ?? [])]).toEqual([12.5]);
    expect(samples.numeric('no_such_column')).toBeNull();
    expect(samples.numeric('host')).toBeNull();
    expect(samples.roles).toEqual(['server']);
    expect(() => samples.numeric('tpot_ms')).toThrow('tpot_ms');
    expect(() => samples.itls).toThrow('itls_ms');
    expect(() => samples.requestIds).toThrow('request_id');
    expect(() => samples.requestId(0)).toThrow('request_id');
  });

  it('keeps a byte order mark where a text begins with one', async () => {
    const marked = '\uFEFFx';
    const rows = [sample({ requestId: marked, role: marked, host: marked })];
    const samples = await readSamples(await parquetOf(temporaryFolder(), samplesTable, rows));
    expect([samples.requestIds, samples.roles, samples.hosts]).toEqual([[marked], [marked], [marked]]);
  });

  it.each([
    ['a[bc]d', 'abd'],
    ['a*d', 'axxd'],
    ['a?d', "a'd"],
  ])('reads the file in %s and not the one in %s', async (folderName, match) => {
    const folder = temporaryFolder();
    for (const name of [folderName, match]) {
      mkdirSync(join(folder, name));
      const rows = [sample({ requestId: name })];
      writeFileSync(join(folder, name, 's.parquet'), readFileSync(await parquetOf(folder, samplesTable, rows)));
    }
    expect((await readSamples(join(folder, folderName, 's.parquet'))).requestIds).toEqual([folderName]);
    expect((await readSamples(join(folder, match, 's.parquet'))).requestIds).toEqual([match]);
  });

  it('names a file that is missing', async () => {
    const path = join(temporaryFolder(), 'samples.parquet');
    await expect(readSamples(path)).rejects.toMatchObject({
      code: 'EVIDENCE_MISSING',
      message: expect.stringContaining(path) as string,
      hint: expect.stringContaining('re-parse') as string,
    });
  });

  it.each([
    ['no Parquet', () => Buffer.from('this is not Parquet')],
    ['empty', () => Buffer.alloc(0)],
    ['cut off', (whole: Buffer) => whole.subarray(0, whole.length - 10)],
    [
      'overwritten in its footer',
      (whole: Buffer) => Buffer.from(whole).fill(0x55, whole.length - 600, whole.length - 8),
    ],
    ['overwritten in its pages', (whole: Buffer) => Buffer.from(whole).fill(0x55, 4, 400)],
  ])('names a file that is %s', async (_, damage) => {
    const folder = temporaryFolder();
    const path = join(folder, 'samples.parquet');
    writeFileSync(path, damage(readFileSync(await parquetOf(folder, samplesTable, [sample(), sample()]))));
    await expect(readSamples(path)).rejects.toMatchObject({
      code: 'EVIDENCE_DAMAGED',
      message: expect.stringContaining(path) as string,
    });
  });

  it('names a file of another table', async () => {
    const path = await parquetOf(temporaryFolder(), trajectoryTable, [point()]);
    await expect(readSamples(path)).rejects.toMatchObject({
      code: 'EVIDENCE_DAMAGED',
      message: `${path} cannot be read: it has no column ok.`,
    });
  });
});

/** Series the slow and obvious way. */
function seriesOf(rows: readonly TrajectoryRow[]): readonly Series[] {
  const keys = new Map<string, TrajectoryRow>(
    rows.map((row) => [JSON.stringify([row.metric, row.role, row.host, row.rank]), row]),
  );
  const order = (a: string, b: string) => (a < b ? -1 : Number(a > b));
  return [...keys]
    .map(([key, { metric, role, host, rank }]) => {
      const points = rows
        .filter((row) => JSON.stringify([row.metric, row.role, row.host, row.rank]) === key)
        .toSorted((a, b) => a.step - b.step || Math.round(a.tsMs * 1000) - Math.round(b.tsMs * 1000));
      return {
        metric,
        role,
        host,
        rank,
        steps: Float64Array.from(points, (row) => row.step),
        tsMs: Float64Array.from(points, (row) => Math.round(row.tsMs * 1000) / 1000),
        values: Float64Array.from(points, (row) => row.value),
      };
    })
    .sort(
      (a, b) =>
        order(a.metric, b.metric) || order(a.role, b.role) || order(a.host, b.host) || (a.rank ?? -1) - (b.rank ?? -1),
    );
}

describe('readTrajectory', () => {
  it('gives back every point in its series, in order', SLOW, async () => {
    const folder = temporaryFolder();
    await fc.assert(
      fc.asyncProperty(fc.array(anyPoint, { maxLength: 40 }), async (rows) => {
        const series = await readTrajectory(await parquetOf(folder, trajectoryTable, rows));
        expect(series).toEqual(seriesOf(rows));
      }),
      { numRuns: 25 },
    );
  });

  it('tells the series of a large file apart', SLOW, async () => {
    const filler = Array.from({ length: 9000 }, (_, i) => point({ step: i, rank: i % 3 }));
    await fc.assert(
      fc.asyncProperty(fc.array(anyPoint, { maxLength: 8 }), async (odd) => {
        const rows = [...odd, ...filler];
        const keysOf = (series: readonly Series[]) =>
          series.map(({ metric, role, host, rank, values }) => [metric, role, host, rank, values]);
        const series = await readTrajectory(await parquetOf(temporaryFolder(), trajectoryTable, rows));
        expect(keysOf(series)).toEqual(keysOf(seriesOf(rows)));
      }),
      { numRuns: 5 },
    );
  });

  it('reads a value that was not finite as NaN, and keeps its point', async () => {
    const rows = [point({ step: 1, value: NaN }), point({ step: 2, value: Infinity }), point({ step: 3, value: 1 })];
    const [loss] = await readTrajectory(await parquetOf(temporaryFolder(), trajectoryTable, rows));
    expect([...(loss?.steps ?? [])]).toEqual([1, 2, 3]);
    expect([...(loss?.values ?? [])]).toEqual([NaN, NaN, 1]);
  });

  it('keeps ranks in order of their number, a series without a rank first', async () => {
    const rows = [10, 2, null, 1].map((rank) => point({ rank }));
    const series = await readTrajectory(await parquetOf(temporaryFolder(), trajectoryTable, rows));
    expect(series.map(({ rank }) => rank)).toEqual([null, 1, 2, 10]);
  });

  it('has no series where nothing was recorded', async () => {
    expect(await readTrajectory(await parquetOf(temporaryFolder(), trajectoryTable, []))).toEqual([]);
  });

  it('names a file that is missing', async () => {
    await expect(readTrajectory(join(temporaryFolder(), 't.parquet'))).rejects.toMatchObject({
      code: 'EVIDENCE_MISSING',
    });
  });
});
