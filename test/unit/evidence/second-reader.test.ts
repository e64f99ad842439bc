import { join } from 'node:path';
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { describe, expect, it } from 'vitest';
import { samplesTable, trajectoryTable } from '../../../src/evidence/tables/column-schema.ts';
import { writeParquet } from '../../../src/evidence/tables/parquet.ts';
import { captured, point, sample, temporaryFolder } from './rows.ts';

async function readRows(path: string): Promise<Record<string, unknown>[]> {
  return parquetReadObjects({ file: await asyncBufferFromFile(path), compressors });
}

/** hyparquet shares no code with DuckDB. */
describe('a second reader', () => {
  it('reads the same samples', async () => {
    const folder = temporaryFolder();
    const rows = [
      sample({ requestId: 'ä "1"', tsMs: 1_700_000_000_000.25, itlsMs: [1.5, NaN, 5e-324] }),
      sample({ requestId: '', ttftMs: null, tpotMs: NaN, outputTokens: null, ok: false, error: "it's\n✓", itlsMs: [] }),
    ];
    await captured(join(folder, 's.arrows'), samplesTable, [rows]);
    await writeParquet(join(folder, 's.arrows'), join(folder, 's.parquet'), samplesTable);
    const common = { itl_ms: 3.5, e2el_ms: 80, role: 'server', host: 'n1', input_tokens: 128, lateness_ms: 0.5 };
    expect(await readRows(join(folder, 's.parquet'))).toEqual([
      {
        ...common,
        request_id: 'ä "1"',
        ts: new Date(1_700_000_000_000.25),
        ttft_ms: 12.5,
        tpot_ms: 3.25,
        output_tokens: 32,
        ok: true,
        error: null,
        itls_ms: [1.5, null, 5e-324],
      },
      {
        ...common,
        request_id: '',
        ts: new Date(1_700_000_000_000),
        ttft_ms: null,
        tpot_ms: null,
        output_tokens: null,
        ok: false,
        error: "it's\n✓",
        itls_ms: [],
      },
    ]);
  });

  it('reads the same trajectory and the metadata', async () => {
    const folder = temporaryFolder();
    const rows = [point({ step: 2 ** 40, rank: 3 }), point({ value: NaN })];
    await captured(join(folder, 't.arrows'), trajectoryTable, [rows]);
    await writeParquet(join(folder, 't.arrows'), join(folder, 't.parquet'), trajectoryTable);
    const common = { metric: 'loss', ts: new Date(1_700_000_000_000), role: 'worker', host: 'n1' };
    expect(await readRows(join(folder, 't.parquet'))).toEqual([
      { ...common, step: 2n ** 40n, value: 2.5, rank: 3 },
      { ...common, step: 1n, value: null, rank: null },
    ]);
    const metadata = await parquetMetadataAsync(await asyncBufferFromFile(join(folder, 't.parquet')));
    expect(metadata.num_rows).toBe(2n);
    expect(metadata.key_value_metadata).toContainEqual({ key: 'assay.schema_version', value: '1' });
  });
});
