import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dump } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { readOwnManifest } from '../../../../src/evidence/run-writer.ts';
import { lastYardstick } from '../../../../src/session/stored/last-yardstick.ts';
import { startedRun } from '../../started-run.ts';

const STORED = [
  { kind: 'Percentile', metric: 'ttft_ms', percentile: 99, op: '<=', value: 50 },
  { kind: 'Predicate', predicate: 'error_rate' },
];

/** What a run that came to no verdict was to be judged by, when its config says this. */
function yardstickOf(thresholds: readonly unknown[]) {
  const { folder } = startedRun();
  writeFileSync(join(folder, 'config.resolved.yaml'), dump({ thresholds }));
  return () => lastYardstick(folder, readOwnManifest(folder));
}

describe('what a stored run was to be judged by', () => {
  it('are thresholds and predicates alike', () => {
    expect(yardstickOf(STORED)().thresholds.map(({ threshold }) => threshold)).toEqual(STORED);
  });

  it('must be known to this version', () => {
    const unknown = yardstickOf([{ kind: 'Predicate', predicate: 'no_smoke' }]);
    expect(unknown).toThrow(/holds no thresholds that this version reads \(thresholds\.0\.predicate: /);
  });
});
