import { join, relative } from 'node:path';
import { workloadInputs } from '../../config/identity.ts';
import { changedFields, describeChange } from '../../core/changed-fields.ts';
import type { FieldChange } from '../../core/changed-fields.ts';
import { manifestSchema } from '../../evidence/manifest.ts';
import type { Manifest } from '../../evidence/manifest.ts';
import { RUN_FILES } from '../../evidence/run-folder.ts';
import { foldersIn, newestFirst, readJsonOrNull } from './cell-runs.ts';
import type { PlannedCell } from '../plan.ts';
import { isJudgeable } from './rejudge.ts';

/** Why no stored run stands for a launch of a cell. */
export interface Miss {
  /** The same for all cells that are missed alike: `knobs.attention: aiter -> fa`. */
  readonly reason: string;
  /** The stored run that is nearest; null where there is none to compare with. */
  readonly nearest: Pick<Manifest, 'run_id' | 'timestamp_start'> | null;
}

/** Of so many workloads of other cells, the newest, the nearest is looked for. */
const OTHERS_COMPARED = 100;

const FIELDS_NAMED = 3;

const comparedSchema = manifestSchema
  .pick({
    run_id: true,
    cell_id: true,
    status: true,
    verifications: true,
    imported: true,
    timestamp_start: true,
    workload_inputs: true,
  })
  .strip();

type ComparedRun = Pick<Manifest, 'run_id' | 'cell_id' | 'timestamp_start' | 'workload_inputs'>;

interface Compared {
  readonly run: ComparedRun;
  /** Null where the run does not tell what its hash was made of. */
  readonly changes: readonly FieldChange[] | null;
}

/** Says of cells without a run of their own which stored run is nearest, and where its hashed inputs differ. */
export class NearestRuns {
  readonly #artifacts: string;
  /** The runs of a config, read once for all its cells. */
  readonly #ofConfig = new Map<string, readonly ComparedRun[]>();

  constructor(artifacts: string) {
    this.#artifacts = artifacts;
  }

  /** Why a cell has no run with its workload hash. */
  explain(planned: PlannedCell): Miss {
    const { cell } = planned;
    const { test_id: testId } = cell.workload;
    const own = nearestOf(planned, runsOfCell(join(this.#artifacts, testId, cell.cellId)));
    if (own !== null) return { reason: reasonOf(own), nearest: own.run };
    const other = nearestOf(planned, this.#runsOfConfig(testId).slice(0, OTHERS_COMPARED));
    if (other === null) return { reason: `no run of this cell under ${this.#place()}`, nearest: null };
    return { reason: `no run of this cell, nearest is ${other.run.cell_id}: ${reasonOf(other)}`, nearest: other.run };
  }

  #runsOfConfig(testId: string): readonly ComparedRun[] {
    const known = this.#ofConfig.get(testId);
    if (known !== undefined) return known;
    const runs = foldersIn(join(this.#artifacts, testId)).flatMap(runsOfCell).toSorted(byNewest);
    this.#ofConfig.set(testId, runs);
    return runs;
  }

  #place(): string {
    return `${relative(process.cwd(), this.#artifacts) || '.'}/`;
  }
}

/** The newest complete run of each workload of a cell: those of one workload have the same inputs. */
function runsOfCell(folder: string): readonly ComparedRun[] {
  return foldersIn(folder).flatMap((workload) => {
    for (const run of newestFirst(workload)) {
      const { data } = comparedSchema.safeParse(readJsonOrNull(join(run, RUN_FILES.manifest)));
      if (data !== undefined && isJudgeable(data) && data.imported === null) return [data];
    }
    return [];
  });
}

function nearestOf({ cell, inputs }: PlannedCell, runs: readonly ComparedRun[]): Compared | null {
  const now = workloadInputs(cell, inputs);
  const compared = runs.map((run) => ({
    run,
    changes: run.workload_inputs === null ? null : changedFields(run.workload_inputs, now),
  }));
  const [nearest = null] = compared.toSorted((a, b) => distanceOf(a) - distanceOf(b) || byNewest(a.run, b.run));
  return nearest;
}

function distanceOf({ changes }: Compared): number {
  return changes?.length ?? Number.MAX_SAFE_INTEGER;
}

function byNewest(a: ComparedRun, b: ComparedRun): number {
  if (a.run_id === b.run_id) return 0;
  return a.run_id > b.run_id ? -1 : 1;
}

function reasonOf({ changes }: Compared): string {
  if (changes === null) return 'the stored runs do not tell their inputs (written by an older version)';
  if (changes.length === 0) return 'the stored run has the same inputs and another hash (written by another version)';
  const named = changes.slice(0, FIELDS_NAMED).map(describeChange).join(', ');
  const more = changes.length - FIELDS_NAMED;
  return more > 0 ? `${named} and ${more} more` : named;
}
