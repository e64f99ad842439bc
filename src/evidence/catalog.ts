import { appendFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Manifest } from './manifest.ts';

/**
 * Adds a finished run to `catalog.jsonl`; its manifest must be the one that was
 * written, which has no secrets. One write of one line with O_APPEND:
 * two sessions may share the artifact directory. The catalogue only speeds up
 * exports; the manifests stay the truth.
 */
export function appendToCatalog(artifacts: string, folder: string, manifest: Manifest): void {
  const line = {
    run_id: manifest.run_id,
    test_id: manifest.test_id,
    cell_id: manifest.cell_id,
    workload_hash: manifest.workload_hash,
    verification_hash: manifest.verification_hash,
    status: manifest.status,
    timestamp_start: manifest.timestamp_start,
    timestamp_end: manifest.timestamp_end,
    // Relative: an artifact directory may be moved.
    path: relative(artifacts, folder),
    ...manifest.result.scalars,
  };
  appendFileSync(join(artifacts, 'catalog.jsonl'), `${JSON.stringify(line)}\n`);
}
