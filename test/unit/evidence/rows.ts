import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { onTestFinished } from 'vitest';
import { openCapture } from '../../../src/evidence/tables/capture.ts';
import type { TableSchema } from '../../../src/evidence/tables/column-schema.ts';
import type { SampleRow } from '../../../src/evidence/tables/samples.ts';
import type { TrajectoryRow } from '../../../src/evidence/tables/trajectory.ts';

/** A folder that is gone after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'assay-evidence-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A request that succeeded, with what the test says about it. */
export function sample(overrides: Partial<SampleRow> = {}): SampleRow {
  return {
    requestId: 'r1',
    tsMs: 1_700_000_000_000.125,
    ttftMs: 12.5,
    tpotMs: 3.25,
    itlMs: 3.5,
    e2elMs: 80,
    inputTokens: 128,
    outputTokens: 32,
    role: 'server',
    host: 'n1',
    ok: true,
    error: null,
    latenessMs: 0.5,
    itlsMs: [3, 4],
    ...overrides,
  };
}

/** A point of a loss curve, with what the test says about it. */
export function point(overrides: Partial<TrajectoryRow> = {}): TrajectoryRow {
  const row = { step: 1, tsMs: 1_700_000_000_000, metric: 'loss', value: 2.5, role: 'worker', host: 'n1', rank: null };
  return { ...row, ...overrides };
}

/** Captures rows, a flush after each group of them. */
export async function captured<Row>(
  path: string,
  table: TableSchema<Row>,
  groups: readonly (readonly Row[])[],
): Promise<void> {
  const capture = openCapture(path, table);
  for (const rows of groups) {
    for (const row of rows) capture.append(row);
    await capture.flush();
  }
  await capture.close();
}

const text = fc.string({ unit: 'binary', maxLength: 20 });
const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
const measured = fc.option(finite);
const count = fc.option(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }));
const timeMs = fc.integer({ min: -1e14, max: 4e14 }).map((microseconds) => microseconds / 1000);

/** Any request that a capture must keep as it is. */
export const anySample: fc.Arbitrary<SampleRow> = fc.record({
  requestId: text,
  tsMs: timeMs,
  ttftMs: measured,
  tpotMs: measured,
  itlMs: measured,
  e2elMs: measured,
  inputTokens: count,
  outputTokens: count,
  role: text,
  host: text,
  ok: fc.boolean(),
  error: fc.option(text),
  latenessMs: measured,
  itlsMs: fc.array(finite, { maxLength: 5 }),
});

/** Any point that a capture must keep as it is; few keys, so that series have several points. */
export const anyPoint: fc.Arbitrary<TrajectoryRow> = fc.record({
  step: fc.oneof(fc.integer({ min: 0, max: 5 }), fc.maxSafeInteger()),
  tsMs: timeMs,
  metric: fc.constantFrom('loss', 'tok,s'),
  value: finite,
  role: fc.constantFrom('a', '\uFEFF\0"b'),
  host: fc.constantFrom('n1', "n'2"),
  rank: fc.constantFrom(null, 0, 12),
});
