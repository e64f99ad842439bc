import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { findRuns } from '../../../../src/evidence/store/find-runs.ts';
import { bytesIn, findTrash } from '../../../../src/evidence/store/gc-delete.ts';
import { storedRuns } from '../../../../src/evidence/store/run-store.ts';
import { endedManifest, storeRun } from '../ended-run.ts';
import { temporaryFolder } from '../rows.ts';

const cellOf = (run: string): string => dirname(dirname(run));

/** Runs of three cells, of which nobody but their owner may look into the second. */
function withClosedCell(): { readonly artifacts: string; readonly open: readonly string[]; readonly closed: string } {
  const artifacts = temporaryFolder();
  const runs = ['a', 'b', 'c'].map((cell) => storeRun(artifacts, endedManifest({ cell_id: cell })));
  const closed = cellOf(runs[1]!);
  chmodSync(closed, 0);
  return { artifacts, open: [runs[0]!, runs[2]!], closed };
}

/** Does work as somebody whom permissions mean something to. */
function asNobody<Result>(artifacts: string, work: () => Result): Result {
  if (process.getuid?.() !== 0) return work();
  // These folders are of this test run alone.
  for (const folder of [tmpdir(), artifacts]) chmodSync(folder, 0o755);
  process.seteuid?.(65_534);
  try {
    return work();
  } finally {
    process.seteuid?.(0);
  }
}

describe('findRuns', () => {
  it('finds what lies at or below a folder, in order, whether or not there is a manifest', () => {
    const artifacts = temporaryFolder();
    const runs = ['b', 'a'].map((cell) => storeRun(artifacts, endedManifest({ cell_id: cell })));
    rmSync(join(runs[0]!, 'manifest.json'));
    mkdirSync(join(artifacts, '.trash', 'cell', 'hash', 'run', 'logs'), { recursive: true });
    expect(findRuns(artifacts)).toEqual([runs[1], runs[0]]);
    for (const run of runs) expect([findRuns(cellOf(run)), findRuns(run)]).toEqual([[run], [run]]);
  });

  it('says of a folder without runs, or without itself, what to name', () => {
    const missing = (folder: string) => ({ code: 'EVIDENCE_MISSING', message: `${folder} holds no run directory` });
    const artifacts = temporaryFolder();
    for (const folder of [artifacts, join(artifacts, 'none')]) {
      expect(() => findRuns(folder)).toThrow(expect.objectContaining(missing(folder)));
    }
  });

  it('passes over a folder that cannot be read, says which, and finds the rest', () => {
    const { artifacts, open, closed } = withClosedCell();
    const told: unknown[] = [];
    const found = asNobody(artifacts, () =>
      findRuns(artifacts, (folder, { code, message }) => told.push([folder, code, message])),
    );
    expect(found).toEqual(open);
    expect(told).toEqual([
      [closed, 'EVIDENCE_DAMAGED', `${closed} cannot be read: EACCES: permission denied, scandir '${closed}'`],
    ]);
    chmodSync(closed, 0o700);
  });
});

describe('storedRuns', () => {
  it('passes over a folder that cannot be read, says which, and reads the rest, as whoever cleans up does', () => {
    const { artifacts, open, closed } = withClosedCell();
    const told: unknown[] = [];
    const found = asNobody(artifacts, () => [
      ...storedRuns(artifacts, { onUnreadable: (folder, reason) => told.push([folder, reason]) }),
    ]);
    expect(found.map(({ folder }) => folder)).toEqual(open);
    expect(asNobody(artifacts, () => [findTrash(artifacts), bytesIn(closed)])).toEqual([[], 0]);
    expect(told).toEqual([[closed, `${closed} cannot be read: EACCES: permission denied, scandir '${closed}'`]]);
    chmodSync(closed, 0o700);
  });
});
