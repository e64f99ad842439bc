import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Manifest } from '../../../../src/evidence/manifest.ts';
import { fingerprintSidecars, readOwnManifest, writeManifest } from '../../../../src/evidence/run-writer.ts';
import type { Verdict } from '../../../../src/evidence/verdict.ts';
import { startedRun } from '../../started-run.ts';

/** A phase that went well. */
export const THROUGH = { started_at: '2026-01-01T00:00:00.000Z', duration_s: 1, status: 'ok' } as const;

/** The verdict of a threshold that holds. */
export const VERDICT: Verdict = {
  kind: 'Percentile',
  metric: 'ttft_ms',
  benchmark: 'ttft_p99',
  op: '<=',
  expected: 50,
  actual: 40,
  margin: 10,
  passed: true,
  outcome: 'passed',
  n: 8,
  detail: 'ttft_ms p99 is 40 ms, must be <= 50 ms (margin 10, n 8)',
  evidence: { file: 'samples.parquet' },
};

/** A run of the demo that came through its load, but for what a test says instead. */
export async function endedRun(change: Partial<Manifest> = {}): Promise<string> {
  const { folder } = startedRun();
  writeFileSync(join(folder, 'events.jsonl'), '');
  const ended = { ...readOwnManifest(folder), status: 'passed', phases: { launch: THROUGH, parse: THROUGH } } as const;
  writeManifest(folder, { ...ended, ...change, sidecars: await fingerprintSidecars(folder, {}) });
  return folder;
}
