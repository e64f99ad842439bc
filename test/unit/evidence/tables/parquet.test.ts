import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { describe, expect, it } from 'vitest';
import { openCapture } from '../../../../src/evidence/tables/capture.ts';
import { samplesTable, trajectoryTable } from '../../../../src/evidence/tables/column-schema.ts';
import { writeParquet } from '../../../../src/evidence/tables/parquet.ts';
import { captured, point, sample, temporaryFolder } from '../rows.ts';

/** Rows of plain SQL, by an engine of its own. */
async function sql(query: string): Promise<unknown[][]> {
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  const result = await connection.run(query);
  return result.getRowsJson();
}

const manySamples = (count: number) =>
  Array.from({ length: count }, (_, i) =>
    sample({
      requestId: `request-${i}`,
      tsMs: 1_700_000_000_000 + i * 0.25,
      ttftMs: i % 7 === 0 ? null : i / 8,
      outputTokens: i % 5 === 0 ? null : i,
      host: `n${i % 3}`,
      ok: i % 4 !== 0,
      error: i % 4 === 0 ? `timeout ${i}` : null,
      itlsMs: Array.from({ length: i % 4 }, (__, gap) => i + gap),
    }),
  );

describe('writeParquet', () => {
  it('gives the columns the documented types', async () => {
    const folder = temporaryFolder();
    await captured(join(folder, 's.arrows'), samplesTable, [[sample()]]);
    await captured(join(folder, 't.arrows'), trajectoryTable, [[point()]]);
    await writeParquet(join(folder, 's.arrows'), join(folder, 's.parquet'), samplesTable);
    await writeParquet(join(folder, 't.arrows'), join(folder, 't.parquet'), trajectoryTable);
    const typesOf = async (path: string) =>
      (await sql(`SELECT column_name || ' ' || column_type FROM (DESCRIBE FROM '${path}')`)).flat();
    expect(await typesOf(join(folder, 's.parquet'))).toEqual([
      'request_id VARCHAR',
      'ts TIMESTAMP',
      'ttft_ms DOUBLE',
      'tpot_ms DOUBLE',
      'itl_ms DOUBLE',
      'e2el_ms DOUBLE',
      'output_tokens INTEGER',
      'role VARCHAR',
      'host VARCHAR',
      'input_tokens INTEGER',
      'ok BOOLEAN',
      'error VARCHAR',
      'lateness_ms DOUBLE',
      'itls_ms DOUBLE[]',
    ]);
    expect(await typesOf(join(folder, 't.parquet'))).toEqual([
      'step BIGINT',
      'ts TIMESTAMP',
      'metric VARCHAR',
      'value DOUBLE',
      'role VARCHAR',
      'host VARCHAR',
      'rank INTEGER',
    ]);
    expect(await sql(`SELECT logical_type FROM parquet_schema('${folder}/s.parquet') WHERE name = 'ts'`)).toEqual([
      [expect.stringMatching(/isAdjustedToUTC=(0|false).*MICROS/u)],
    ]);
    expect(await sql(`SELECT DISTINCT compression FROM parquet_metadata('${folder}/s.parquet')`)).toEqual([['ZSTD']]);
  });

  it('says in its metadata which table it is', async () => {
    const folder = temporaryFolder();
    await captured(join(folder, 't.arrows'), trajectoryTable, [[point()]]);
    await writeParquet(join(folder, 't.arrows'), join(folder, 't.parquet'), trajectoryTable);
    const pairs = await sql(`SELECT decode(key), decode(value) FROM parquet_kv_metadata('${folder}/t.parquet')`);
    expect(Object.fromEntries(pairs)).toEqual({
      'assay.table': 'trajectory',
      'assay.schema_version': '1',
      'assay.writer': expect.stringMatching(/^duckdb v\d/u),
    });
  });

  it('keeps every row of many batches in order: plain SQL sees the same rows', { timeout: 60_000 }, async () => {
    const folder = temporaryFolder();
    const rows = manySamples(70_000);
    await captured(join(folder, 's.arrows'), samplesTable, [rows]);
    const written = await writeParquet(join(folder, 's.arrows'), join(folder, 's.parquet'), samplesTable);
    expect(written).toMatchObject({ rows: rows.length, droppedBytes: 0 });
    const sum = (values: readonly (number | null)[]) =>
      values.reduce<number>((total, value) => total + (value ?? 0), 0);
    const [totals] = await sql(
      `SELECT count(*)::INT, sum(ttft_ms), count(ttft_ms)::INT, sum(output_tokens)::DOUBLE, sum(epoch_us(ts) - 1700000000000000)::DOUBLE,
        count(*) FILTER (ok)::INT, count(error)::INT, sum(list_sum(itls_ms)), count(DISTINCT request_id)::INT,
        bool_and(request_id = 'request-' || file_row_number)
       FROM read_parquet('${folder}/s.parquet', file_row_number = true)`,
    );
    expect(totals).toEqual([
      rows.length,
      sum(rows.map((row) => row.ttftMs)),
      rows.filter((row) => row.ttftMs !== null).length,
      sum(rows.map((row) => row.outputTokens)),
      sum(rows.map((_, i) => i * 250)),
      rows.filter((row) => row.ok).length,
      rows.filter((row) => row.error !== null).length,
      sum(rows.map((row) => sum(row.itlsMs))),
      rows.length,
      true,
    ]);
  });

  it('keeps the rows of batches that are larger than what DuckDB takes at once', async () => {
    const folder = temporaryFolder();
    const capture = openCapture(join(folder, 's.arrows'), samplesTable, { batchRows: 5000 });
    for (const row of manySamples(6000)) capture.append(row);
    await capture.close();
    await writeParquet(join(folder, 's.arrows'), join(folder, 's.parquet'), samplesTable);
    expect(
      await sql(
        `SELECT count(*)::INT, bool_and(request_id = 'request-' || file_row_number)
         FROM read_parquet('${folder}/s.parquet', file_row_number = true)`,
      ),
    ).toEqual([[6000, true]]);
  });

  it('makes smaller row groups of longer rows', async () => {
    const folder = temporaryFolder();
    const rows = Array.from({ length: 4200 }, () => sample({ itlsMs: Array.from({ length: 600 }, (_, gap) => gap) }));
    await captured(join(folder, 's.arrows'), samplesTable, [rows]);
    await writeParquet(join(folder, 's.arrows'), join(folder, 's.parquet'), samplesTable);
    const groups = `SELECT DISTINCT row_group_num_rows::INT FROM parquet_metadata('${folder}/s.parquet') ORDER BY 1`;
    expect(await sql(groups)).toEqual([[104], [2048]]);
  });

  it('gives the same bytes for the same stream, and their hash', async () => {
    const folder = temporaryFolder();
    const stream = join(folder, 's.arrows');
    await captured(stream, samplesTable, [manySamples(5000)]);
    const first = await writeParquet(stream, join(folder, 'a.parquet'), samplesTable);
    const [second, third] = await Promise.all(
      ['b', 'c'].map((name) => writeParquet(stream, join(folder, `${name}.parquet`), samplesTable)),
    );
    const bytes = readFileSync(join(folder, 'a.parquet'));
    expect(first.sha256).toBe(`sha256:${createHash('sha256').update(bytes).digest('hex')}`);
    expect(first.bytes).toBe(bytes.length);
    expect([second, third]).toEqual([first, first]);
    expect(readFileSync(join(folder, 'b.parquet')).equals(bytes)).toBe(true);
  });

  it('makes an empty file with all columns of a stream without rows', async () => {
    const folder = temporaryFolder();
    await captured(join(folder, 's.arrows'), samplesTable, []);
    const written = await writeParquet(join(folder, 's.arrows'), join(folder, 's.parquet'), samplesTable);
    expect(written).toMatchObject({ rows: 0, droppedBytes: 0 });
    const columns = await sql(`SELECT column_name FROM (DESCRIBE FROM '${folder}/s.parquet')`);
    expect(columns.flat()).toEqual(samplesTable.columns.map((column) => column.name));
    expect(await sql(`SELECT count(*)::INT FROM '${folder}/s.parquet'`)).toEqual([[0]]);
  });

  it('keeps what came before a cut and says how many bytes it dropped', async () => {
    const folder = temporaryFolder();
    const stream = join(folder, 't.arrows');
    await captured(stream, trajectoryTable, [[point({ step: 1 })], [point({ step: 2 })]]);
    truncateSync(stream, readFileSync(stream).length - 20);
    const written = await writeParquet(stream, join(folder, 't.parquet'), trajectoryTable);
    expect(written.rows).toBe(1);
    expect(written.droppedBytes).toBeGreaterThan(20);
    expect(await sql(`SELECT step::INT FROM '${folder}/t.parquet'`)).toEqual([[1]]);
  });

  it('replaces an older file only when it is done, and leaves nothing beside it', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 's.parquet'), 'older');
    await expect(writeParquet(join(folder, 's.arrows'), join(folder, 's.parquet'), samplesTable)).rejects.toMatchObject(
      {
        code: 'EVIDENCE_MISSING',
      },
    );
    expect(readFileSync(join(folder, 's.parquet'), 'utf8')).toBe('older');
    await captured(join(folder, 's.arrows'), samplesTable, [[sample()]]);
    await writeParquet(join(folder, 's.arrows'), join(folder, 's.parquet'), samplesTable);
    expect(readdirSync(folder).sort()).toEqual(['s.arrows', 's.parquet']);
    expect(await sql(`SELECT count(*)::INT FROM '${folder}/s.parquet'`)).toEqual([[1]]);
  });

  it('refuses a stream of another table', async () => {
    const folder = temporaryFolder();
    const stream = join(folder, 't.arrows');
    await captured(stream, trajectoryTable, [[point()]]);
    await expect(writeParquet(stream, join(folder, 's.parquet'), samplesTable)).rejects.toMatchObject({
      code: 'EVIDENCE_DAMAGED',
      message: `${stream} has no column request_id of type VARCHAR.`,
    });
    expect(readdirSync(folder)).toEqual(['t.arrows']);
  });
});
