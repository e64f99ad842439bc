import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { WorkloadFailure } from '../../evidence/failure.ts';
import { RUN_FILES } from '../../evidence/run-folder.ts';

/** Where a run keeps what the pipelines left: `attachments/xdit/<host>/`, with their own folders. */
export const ATTACHED = 'xdit';
/** The film that Wan saves, the last that it made. */
export const VIDEO = 'video.mp4';
/** The folders under the output folder in which the scripts write; '' is that folder itself. */
export const OUTPUT_FOLDERS = ['', 'results', 'outputs', 'outputs/outputs', 'outputs/outputs/outputs'] as const;

type OutputFolder = (typeof OUTPUT_FOLDERS)[number];

/** A file that a pipeline left. */
export interface LeftFile {
  readonly host: string;
  readonly folder: OutputFolder;
  readonly name: string;
  /** Absolute. */
  readonly path: string;
}

/** What says how long each picture took; times are seconds in all three. */
export type Timings =
  /** A list of `{pipe_time, vae_decode_time}`. */
  | { readonly kind: 'pipe_times'; readonly file: LeftFile }
  /** A plain list. */
  | { readonly kind: 'list'; readonly file: LeftFile }
  /** An object with `total_time` in each, by their steps. */
  | { readonly kind: 'steps'; readonly files: readonly [LeftFile, ...LeftFile[]] };

const ACCEPTED = [
  'timing.json (a list of {pipe_time, vae_decode_time}) or timings.json (a list of numbers), there or in results/',
  'rank0_step<n>.json (an object with total_time) in outputs/, outputs/outputs/ or outputs/outputs/outputs/',
].join(', or ');

const STEP = /^rank0_step(\d+)\.json$/;
const STEP_FOLDERS = ['outputs', 'outputs/outputs', 'outputs/outputs/outputs'];
const LIST_FOLDERS = ['', 'results'];

/** Everything that was fetched from the workers of a run. */
export async function leftFiles(folder: string, hosts: readonly string[]): Promise<readonly LeftFile[]> {
  const places = hosts.flatMap((host) => OUTPUT_FOLDERS.map((output) => ({ host, folder: output })));
  const found = await Promise.all(
    places.map(async (place) => {
      const at = join(folder, RUN_FILES.attachments, ATTACHED, place.host, place.folder);
      const entries = await readdir(at, { withFileTypes: true }).catch(() => []);
      const names = entries.filter((entry) => entry.isFile()).map(({ name }) => name);
      return names.toSorted().map((name) => ({ ...place, name, path: join(at, name) }));
    }),
  );
  return found.flat();
}

/**
 * Finds the one set of timings among what was left.
 *
 * @throws WorkloadFailure parse_failure that names what is there and what is accepted, when there is none or more than one.
 */
export function findTimings(files: readonly LeftFile[]): Timings {
  const sets = [...lists(files, 'timing.json', 'pipe_times'), ...lists(files, 'timings.json', 'list'), ...steps(files)];
  const [only, ...others] = sets;
  if (only !== undefined && others.length === 0) return only;
  const there = files.length === 0 ? 'no file' : files.map(placeOf).join(', ');
  const what = only === undefined ? 'no timings' : `${sets.length} sets of timings, and only one can be the run's`;
  throw new WorkloadFailure('parse_failure', `the pipeline left ${what} - it left ${there}; accepted: ${ACCEPTED}`);
}

function lists(files: readonly LeftFile[], name: string, kind: 'pipe_times' | 'list'): readonly Timings[] {
  return files
    .filter((file) => file.name === name && LIST_FOLDERS.includes(file.folder))
    .map((file) => ({ kind, file }));
}

function steps(files: readonly LeftFile[]): readonly Timings[] {
  const own = files.filter(({ name, folder }) => STEP.test(name) && STEP_FOLDERS.includes(folder));
  const places = [...new Set(own.map(({ host, folder }) => `${host}/${folder}`))];
  return places.flatMap((place) => {
    const set = own.filter(({ host, folder }) => `${host}/${folder}` === place);
    const [first, ...others] = set.toSorted((a, b) => stepOf(a) - stepOf(b));
    return first === undefined ? [] : [{ kind: 'steps' as const, files: [first, ...others] as const }];
  });
}

function stepOf({ name }: LeftFile): number {
  return Number(STEP.exec(name)?.[1]);
}

function placeOf({ host, folder, name }: LeftFile): string {
  return [host, folder, name].filter(Boolean).join('/');
}
