import { describe, expect, it } from 'vitest';
import { readManifest } from '../../../../src/evidence/run-reader.ts';
import { viewOfCell, viewOfRun } from '../../../../src/vitest/claims/claim-cell.ts';
import { packSelection } from '../../../../src/vitest/claims/pack-selection.ts';
import { unpackSelection } from '../../../../src/vitest/claims/provided.ts';
import { startPlanned } from '../../started-run.ts';
import type { PlannedCell } from '../../../../src/session/plan.ts';
import { demoCells } from './written-suites.ts';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { localPool } from '../../../../src/cluster/pool.ts';

const [planned] = demoCells();
const CLAIM = { file: '/suites/a.test.ts', tier: 5, name: 'a', benchmark: null, tags: [] };
/** What a worker finds of what the main process packs. */
const given = (cells: readonly PlannedCell[]) =>
  unpackSelection(
    packSelection(
      cells.map((one) => ({ claim: CLAIM, planned: one })),
      { socket: 'socket', haveTagsOptions: false },
    ),
    CLAIM.file,
  );
const { cells } = given([planned!])!;

describe('a cell as claims see it', () => {
  it('is the same to `when`, before it ran, and to a check, after', () => {
    const artifacts = mkdtempSync(join(tmpdir(), 'assay-run-'));
    const { folder } = startPlanned(planned!, { pool: localPool, artifacts });
    const seen = viewOfCell(planned!.cell);
    expect({ ...viewOfRun(cells[0]!, { manifest: readManifest(folder) }) }).toEqual(seen);
    expect(seen).toEqual({
      key: 'demo/conc1',
      testId: 'demo',
      cellId: 'conc1',
      framework: 'llama_cpp',
      model: 'tiny',
      workloadKind: 'inference',
      targetGpu: 'cpu',
      image: null,
      topology: 'single',
      params: planned!.cell.params,
      knobs: planned!.cell.workload.knobs,
      axes: { concurrency: 1 },
      benchmarks: ['ttft_p99'],
      tags: planned!.cell.tags.map(({ name }) => name),
    });
  });

  it('asks the run for nothing that is known without it', () => {
    const unread = {
      get manifest(): never {
        throw new Error('was read');
      },
    };
    const cell = viewOfRun(cells[0]!, unread);
    expect([cell.key, cell.testId, cell.cellId, cell.topology, cell.benchmarks, cell.tags]).toEqual([
      'demo/conc1',
      'demo',
      'conc1',
      'single',
      ['ttft_p99'],
      planned!.cell.tags.map(({ name }) => name),
    ]);
    expect(() => cell.framework).toThrow('was read');
  });
});

describe('what workers are given', () => {
  it('says each cell and each claim once, and which go together', () => {
    const selection = given(demoCells())!;
    expect(selection.cells.map(({ key }) => key)).toEqual(['demo/conc1', 'demo/conc2']);
    expect(selection).toMatchObject({ tier: 5, claims: [{ name: 'a', tags: [] }], selected: [0, 0, 0, 1] });
  });

  it('is nothing for a file without a selected claim', () => {
    expect(unpackSelection(packSelection([], { socket: 'socket', haveTagsOptions: false }), CLAIM.file)).toBe(null);
  });
});
