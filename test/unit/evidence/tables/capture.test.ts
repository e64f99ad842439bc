import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tableFromIPC } from 'apache-arrow';
import { describe, expect, it } from 'vitest';
import { openCapture } from '../../../../src/evidence/tables/capture.ts';
import { samplesTable, trajectoryTable } from '../../../../src/evidence/tables/column-schema.ts';
import { captured, point, sample, temporaryFolder } from '../rows.ts';

describe('openCapture', () => {
  it('writes a stream that Arrow reads, with the declared types', async () => {
    const path = join(temporaryFolder(), 'samples.arrows');
    await captured(path, samplesTable, [[sample(), sample({ requestId: 'r2', ttftMs: null, ok: false, error: 'é' })]]);
    const table = tableFromIPC(readFileSync(path));
    expect(table.schema.fields.map((field) => `${field.name} ${String(field.type)} ${field.nullable}`)).toEqual([
      'request_id Utf8 false',
      'ts Timestamp<MICROSECOND> false',
      'ttft_ms Float64 true',
      'tpot_ms Float64 true',
      'itl_ms Float64 true',
      'e2el_ms Float64 true',
      'output_tokens Int32 true',
      'role Utf8 false',
      'host Utf8 false',
      'input_tokens Int32 true',
      'ok Bool false',
      'error Utf8 true',
      'lateness_ms Float64 true',
      'itls_ms List<Float64> false',
    ]);
    expect(Object.fromEntries(table.schema.metadata)).toMatchObject({
      'assay.table': 'samples',
      'assay.schema_version': '1',
    });
    expect(table.get(1)?.toJSON()).toMatchObject({
      request_id: 'r2',
      ttft_ms: null,
      ok: false,
      error: 'é',
      output_tokens: 32,
    });
  });

  it('has every row in the file after a flush, before it is closed', async () => {
    const path = join(temporaryFolder(), 'trajectory.arrows');
    const capture = openCapture(path, trajectoryTable);
    capture.append(point({ step: 1 }));
    capture.append(point({ step: 2 }));
    await capture.flush();
    expect(tableFromIPC(readFileSync(path)).numRows).toBe(2);
    await capture.close();
  });

  it('writes a full batch without being told, and a flush without new rows writes nothing', async () => {
    const path = join(temporaryFolder(), 'trajectory.arrows');
    const capture = openCapture(path, trajectoryTable, { batchRows: 3 });
    for (let step = 0; step < 7; step += 1) capture.append(point({ step }));
    await capture.flush();
    const { size } = statSync(path);
    await capture.flush();
    expect(statSync(path).size).toBe(size);
    await capture.close();
    const batches = tableFromIPC(readFileSync(path)).batches;
    expect(batches.map((batch) => batch.numRows)).toEqual([3, 3, 1]);
    expect(batches.map((batch) => String(batch.getChild('step')))).toEqual(['[0,1,2]', '[3,4,5]', '[6]']);
  });

  it('keeps what was appended while an earlier batch was on its way to the file', async () => {
    const path = join(temporaryFolder(), 'trajectory.arrows');
    const capture = openCapture(path, trajectoryTable, { batchRows: 2 });
    const flushes: Promise<void>[] = [];
    for (let step = 0; step < 50; step += 1) {
      capture.append(point({ step, metric: `m${step}` }));
      if (step % 3 === 0) flushes.push(capture.flush());
    }
    await Promise.all(flushes);
    await capture.close();
    const table = tableFromIPC(readFileSync(path));
    expect(table.toArray().map((row) => `${row.step} ${row.metric}`)).toEqual(
      Array.from({ length: 50 }, (_, step) => `${step} m${step}`),
    );
  });

  it('keeps texts and lists of any length', async () => {
    const path = join(temporaryFolder(), 'samples.arrows');
    const rows = [1, 40_000, 0, 300_000].map((length) =>
      sample({ requestId: `é${length}`, error: '✓'.repeat(length), itlsMs: Array.from({ length }, (_, i) => i) }),
    );
    await captured(path, samplesTable, [rows]);
    const kept = tableFromIPC(readFileSync(path)).toArray();
    expect(
      kept.map((row) => [row.request_id, row.error === '✓'.repeat(row.itls_ms.length), row.itls_ms.length]),
    ).toEqual(rows.map((row) => [row.requestId, true, row.itlsMs.length]));
    expect([...(kept.at(-1)?.itls_ms ?? [])]).toEqual(rows.at(-1)?.itlsMs);
  });

  it('writes no number that is not finite', async () => {
    const path = join(temporaryFolder(), 'samples.arrows');
    await captured(path, samplesTable, [
      [sample({ ttftMs: NaN, e2elMs: Infinity, latenessMs: -Infinity, outputTokens: NaN, itlsMs: [1, NaN, Infinity] })],
    ]);
    const row = tableFromIPC(readFileSync(path)).get(0)?.toJSON();
    expect(row).toMatchObject({ ttft_ms: null, e2el_ms: null, lateness_ms: null, output_tokens: null });
    expect([...(row?.['itls_ms'] ?? [])]).toEqual([1, null, null]);
  });

  it.each([
    ['ts', { tsMs: NaN }, 'a value in every row, got NaN'],
    ['ts', { tsMs: 1e15 }, 'milliseconds since the Unix epoch, got 1000000000000000'],
    ['output_tokens', { outputTokens: 3.5 }, 'a whole number of 32 bits, got 3.5'],
    ['input_tokens', { inputTokens: 2 ** 31 }, 'a whole number of 32 bits, got 2147483648'],
  ])('refuses a row whose %s cannot be kept (%o), and only that row', async (column, wrong, reason) => {
    const path = join(temporaryFolder(), 'samples.arrows');
    const capture = openCapture(path, samplesTable);
    capture.append(sample({ requestId: 'first' }));
    expect(() => capture.append(sample({ requestId: 'wrong', error: 'wrong', itlsMs: [9, 9, 9], ...wrong }))).toThrow(
      new TypeError(`Column ${column} takes ${reason}.`),
    );
    capture.append(sample({ requestId: 'last' }));
    await capture.close();
    const rows = tableFromIPC(readFileSync(path)).toArray();
    expect(rows.map((row) => `${row.request_id} ${row.error} ${row.itls_ms}`)).toEqual([
      'first null [3,4]',
      'last null [3,4]',
    ]);
  });

  it('takes the columns that a framework adds', async () => {
    const path = join(temporaryFolder(), 'samples.arrows');
    const table = {
      ...samplesTable,
      columns: [
        ...samplesTable.columns,
        {
          name: 'kv_transfer_ms',
          type: 'DOUBLE',
          nullable: true,
          unit: 'ms',
          description: 'Time to move the cache.',
          of: (row: { readonly kvTransferMs: number }) => row.kvTransferMs,
        },
      ],
    } as const;
    await captured(path, table, [[{ ...sample(), kvTransferMs: 7.5 }]]);
    expect(tableFromIPC(readFileSync(path)).get(0)?.toJSON()).toMatchObject({ request_id: 'r1', kv_transfer_ms: 7.5 });
  });

  it('never overwrites a stream: flush and close say so', async () => {
    const path = join(temporaryFolder(), 'samples.arrows');
    writeFileSync(path, 'evidence');
    const capture = openCapture(path, samplesTable);
    capture.append(sample());
    await expect(capture.flush()).rejects.toMatchObject({ code: 'EEXIST' });
    await expect(capture.close()).rejects.toMatchObject({ code: 'EEXIST' });
    expect(readFileSync(path, 'utf8')).toBe('evidence');
  });

  it('rejects flush and close when the file cannot be written', async () => {
    const path = join(temporaryFolder(), 'no-such-folder', 'samples.arrows');
    const capture = openCapture(path, samplesTable);
    capture.append(sample());
    await expect(capture.flush()).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(capture.flush()).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(capture.close()).rejects.toMatchObject({ code: 'ENOENT' });
    expect(existsSync(path)).toBe(false);
  });

  it('closes once, and takes no row after that', async () => {
    const path = join(temporaryFolder(), 'samples.arrows');
    const capture = openCapture(path, samplesTable);
    capture.append(sample());
    await Promise.all([capture.close(), capture.close()]);
    const { size } = statSync(path);
    await capture.close();
    expect(statSync(path).size).toBe(size);
    expect(() => capture.append(sample())).toThrow('closed');
  });
});
