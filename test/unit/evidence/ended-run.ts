import { join } from 'node:path';
import { mkdirSync } from 'node:fs';
import { v7 as uuidv7 } from 'uuid';
import { hashOf } from '../../../src/core/hash.ts';
import { MANIFEST_VERSION, manifestSchema } from '../../../src/evidence/manifest.ts';
import type { Manifest } from '../../../src/evidence/manifest.ts';
import { runFolder } from '../../../src/evidence/run-folder.ts';
import { writeManifest } from '../../../src/evidence/run-writer.ts';
import type { Sha256 } from '../../../src/core/hash.ts';

/** The manifest of a run that passed, with what the test says about it. */
export function endedManifest(overrides: Partial<Manifest> = {}): Manifest {
  return {
    ...manifestSchema.parse({
      schema_version: MANIFEST_VERSION,
      run_id: uuidv7(),
      test_id: 'vllm_gpt_oss_120b_mi355x_aiter',
      cell_id: 'balanced-conc64',
      config_hash: hashOf('config'),
      workload_hash: hashOf('workload'),
      verification_hash: hashOf('verification'),
      experiment_id: 'vllm/gpt-oss-120b/fp4+aiter+vllm-native/mi355x',
      tool: { name: 'vitest-assay', version: '0.1.0' },
      git_sha: 'a4f1e2c',
      timestamp_start: '2026-05-28T20:01:08.000Z',
      timestamp_end: '2026-05-28T20:14:52.500Z',
      hosts: [],
      framework_versions: {},
      framework: 'vllm',
      workload_kind: 'inference',
      target_gpu: 'mi355x',
      config_file: 'configs/vllm.yaml',
      model_descriptor: { id: 'gpt-oss-120b' },
      knobs: {},
      params: {},
      axes: {},
      bindings: {},
      tags: [],
      launches: [],
      phases: {},
      status: 'passed',
      failure: null,
      interruption: null,
      teardown: null,
      verdicts: [],
      result: { scalars: {}, applied: {}, measured: { started_at_ms: null, duration_ms: null } },
      resources: {},
      sidecars: {},
    }),
    ...overrides,
  };
}

/** Stores the manifest of a run where it belongs. Answers the run directory. */
export function storeRun(artifacts: string, manifest: Manifest): string {
  const { test_id: testId, cell_id: cellId, run_id: runId } = manifest;
  const folder = runFolder(artifacts, { testId, cellId, runId, workloadHash: manifest.workload_hash as Sha256 });
  mkdirSync(join(folder, 'logs'), { recursive: true });
  writeManifest(folder, manifest);
  return folder;
}

/** A verdict of a benchmark, with what the test says about it. */
export function verdictOf(
  benchmark: string,
  overrides: Partial<Manifest['verdicts'][number]> = {},
): Manifest['verdicts'][number] {
  return {
    kind: 'Percentile',
    metric: 'ttft_ms',
    benchmark,
    op: '<=',
    expected: 50,
    actual: 73.4,
    passed: false,
    margin: -23.4,
    n: 100,
    outcome: 'failed',
    detail: 'too slow',
    evidence: { file: 'samples.parquet' },
    ...overrides,
  };
}
