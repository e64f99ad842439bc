import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { megatronParams } from '../../../../src/adapters/megatron/params.ts';
import { parse } from '../../../../src/adapters/megatron/parse.ts';
import type { Scalar } from '../../../../src/config/schema/framework.ts';
import type { TrajectoryRow } from '../../../../src/evidence/tables/trajectory.ts';
import type { WorkloadResult } from '../../../../src/lifecycle/adapter.ts';

const FIXTURES = new URL('../../../../fixtures/megatron/', import.meta.url).pathname;

/** When the runs of these tests began. */
export const STARTED_AT = '2026-01-01T00:00:00.000Z';

/** A log of our own. */
export function fixture(name: string): string {
  return readFileSync(join(FIXTURES, name), 'utf8');
}

/** What a run was, as far as its results depend on it. */
export interface ParsedRun {
  /** The log of the worker on each of its hosts. */
  readonly logs: Readonly<Record<string, string>>;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly knobs?: Readonly<Record<string, Scalar>>;
}

/** Reads a run that left nothing but these logs. */
export async function parsed(
  run: ParsedRun,
): Promise<{ readonly result: WorkloadResult; readonly rows: readonly TrajectoryRow[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'assay-megatron-'));
  mkdirSync(join(folder, 'logs'));
  for (const [host, text] of Object.entries(run.logs)) writeFileSync(join(folder, 'logs', `worker.${host}.log`), text);
  const rows: TrajectoryRow[] = [];
  const result = await parse({
    folder,
    run: {
      params: megatronParams.parse(run.params ?? {}),
      knobs: run.knobs ?? {},
      model_descriptor: {},
      bindings: { worker: Object.keys(run.logs) },
      hosts: [],
      launches: [],
      timestamp_start: STARTED_AT,
    },
    writer: { point: (row) => rows.push(row), sample: () => undefined },
  });
  return { result, rows };
}

/** `step value` of a metric, of one rank where one is given. */
export function series(rows: readonly TrajectoryRow[], metric: string, rank?: number): readonly [number, number][] {
  return rows
    .filter((row) => row.metric === metric && (rank === undefined || row.rank === rank))
    .map(({ step, value }) => [step, value]);
}
