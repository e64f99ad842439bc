import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readSamples, readTrajectory } from './read-columns.ts';
import { RUN_FILES } from '../run-folder.ts';
import type { SampleColumns, Series } from './tables.ts';

/** The rows of a run, loaded once for all its verdicts. */
export interface LoadedTables {
  readonly samples: SampleColumns | null;
  readonly series: readonly Series[];
}

/** Loads the Parquet files of a run directory; a table that the run does not have is null or empty. */
export async function loadTables(folder: string): Promise<LoadedTables> {
  const samples = join(folder, RUN_FILES.samples);
  const trajectory = join(folder, RUN_FILES.trajectory);
  return {
    samples: existsSync(samples) ? await readSamples(samples) : null,
    series: existsSync(trajectory) ? await readTrajectory(trajectory) : [],
  };
}
