import { readFile } from 'node:fs/promises';
import { hashOf, shortHash } from '../../core/hash.ts';
import type { SampleRow } from '../../evidence/tables/samples.ts';
import type { ParseContext, WorkloadResult } from '../../lifecycle/adapter.ts';
import { readRoleLogs } from '../shared/role-logs.ts';
import { appliedTo } from './applied.ts';
import { readMp4 } from './mp4.ts';
import type { Film } from './mp4.ts';
import { findTimings, leftFiles, VIDEO } from './outputs.ts';
import type { LeftFile } from './outputs.ts';
import { picturesAsked, pytorchXditParams } from './params.ts';
import type { PytorchXditParams } from './params.ts';
import { readTimings } from './timings.ts';
import type { Picture } from './timings.ts';

/** The saved film, and what it takes on the disk. */
interface SavedFilm extends Film {
  readonly bytes: number;
}

interface Shared {
  readonly host: string;
  readonly startMs: number;
  readonly params: PytorchXditParams;
  readonly seed: number | null;
  /** Frames of each video; null for images, and where nothing says it. */
  readonly frames: number | null;
  readonly film: SavedFilm | null;
}

/** Reads the timings that the pipeline left, one row a picture, and the film, which is the last picture's. */
export async function parsePytorchXdit(context: ParseContext): Promise<WorkloadResult> {
  const { folder, run, writer } = context;
  const params = pytorchXditParams.parse(run.params);
  // The timings are in files: a log that is not there costs only what it would have confirmed.
  const logs = await readRoleLogs(context, 'worker').catch(() => []);
  const files = await leftFiles(folder, run.bindings['worker'] ?? []);
  const timings = findTimings(files);
  const pictures = await readTimings(timings, picturesAsked(params));
  const film = params.pipeline === 'flux_t2i' ? null : await filmAmong(files);
  const shared: Shared = {
    host: timings.kind === 'steps' ? timings.files[0].host : timings.file.host,
    startMs: Date.parse(run.timestamp_start),
    params,
    seed: seedOf(run.launches),
    frames: params.pipeline === 'flux_t2i' ? null : (film?.frames ?? params.frame_num ?? null),
    film,
  };
  const rows = rowsOf(pictures, shared);
  for (const row of rows) writer.sample(row);
  writeSeries(rows, writer);
  return {
    scalars: scalarsOf(rows, pictures, shared),
    applied: appliedTo(params, { knobs: run.knobs, film, lines: logs.flatMap(({ lines }) => lines) }),
    frameworkVersions: {},
    // The files say how long, not when.
    startedAtMs: null,
    durationMs: totalOf(pictures),
  };
}

async function filmAmong(files: readonly LeftFile[]): Promise<SavedFilm | null> {
  const saved = files.filter(({ name }) => name === VIDEO);
  const [only] = saved;
  if (only === undefined || saved.length > 1) return null;
  const bytes = await readFile(only.path);
  const film = readMp4(bytes);
  return film && { ...film, bytes: bytes.length };
}

/** The seed is in the command line, in the spelling of either script. */
function seedOf(launches: ParseContext['run']['launches']): number | null {
  const argv = launches.find(({ role }) => role === 'worker')?.argv ?? [];
  const at = argv.findIndex((word) => word === '--seed' || word === '--base_seed');
  const seed = Number(argv[at + 1]);
  return at === -1 || !Number.isInteger(seed) ? null : seed;
}

function rowsOf(pictures: readonly Picture[], shared: Shared): readonly SampleRow[] {
  let atMs = shared.startMs;
  return pictures.map((picture, index) => {
    const tsMs = atMs;
    atMs += picture.generationMs;
    return rowOf(picture, shared, { index, tsMs, isLast: index === pictures.length - 1 });
  });
}

interface Turn {
  readonly index: number;
  readonly tsMs: number;
  readonly isLast: boolean;
}

function rowOf({ generationMs, vaeDecodeMs }: Picture, shared: Shared, { index, tsMs, isLast }: Turn): SampleRow {
  const { host, params, seed, frames } = shared;
  const steps = params.num_inference_steps ?? null;
  return {
    requestId: String(index),
    tsMs,
    ttftMs: null,
    tpotMs: null,
    itlMs: null,
    e2elMs: generationMs,
    inputTokens: null,
    outputTokens: null,
    role: 'worker',
    host,
    ok: true,
    error: null,
    latenessMs: null,
    itlsMs: [],
    more: {
      generation_ms: generationMs,
      vae_decode_ms: vaeDecodeMs,
      prompt_id: shortHash(hashOf(params.prompt)),
      seed,
      num_inference_steps: steps,
      step_time_ms: steps === null ? null : generationMs / steps,
      frames,
      latency_ms: frames === null ? null : generationMs / frames,
      fps: frames === null ? null : (frames * 1000) / generationMs,
      bitrate_kbps: isLast ? bitrateOf(shared.film) : null,
    },
  };
}

/** Bits of the file for each millisecond that it plays. */
function bitrateOf(film: SavedFilm | null): number | null {
  return film === null ? null : (film.bytes * 8) / film.durationMs;
}

const SERIES = { step_time_ms: 'step_time_ms', fps: 'fps', bitrate_kbps: 'aggregate_bitrate_kbps' } as const;

/** One point a picture: no script reports its single steps or frames. */
function writeSeries(rows: readonly SampleRow[], writer: ParseContext['writer']): void {
  for (const [step, { tsMs, role, host, more = {} }] of rows.entries()) {
    for (const [column, metric] of Object.entries(SERIES)) {
      const value = more[column];
      if (typeof value === 'number') writer.point({ step, tsMs, metric, value, role, host, rank: null });
    }
  }
}

function scalarsOf(
  rows: readonly SampleRow[],
  pictures: readonly Picture[],
  shared: Shared,
): WorkloadResult['scalars'] {
  const perSecond = (rows.length * 1000) / totalOf(pictures);
  const isFlux = shared.params.pipeline === 'flux_t2i';
  return {
    requests: rows.length,
    completed: rows.length,
    failed: 0,
    throughput: perSecond,
    [isFlux ? 'image_throughput' : 'video_throughput']: perSecond,
    generation_mean_ms: totalOf(pictures) / rows.length,
    vae_decode_mean_ms: meanOf(pictures.map(({ vaeDecodeMs }) => vaeDecodeMs)),
    step_time_mean_ms: meanOf(rows.map(({ more }) => numberIn(more, 'step_time_ms'))),
    ...(isFlux ? {} : { fps_mean: meanOf(rows.map(({ more }) => numberIn(more, 'fps'))) }),
    ...(isFlux ? {} : { aggregate_bitrate_kbps: bitrateOf(shared.film) }),
  };
}

function numberIn(more: SampleRow['more'], name: string): number | null {
  const value = more?.[name];
  return typeof value === 'number' ? value : null;
}

/** Of what all of them have; null when one has not. */
function meanOf(values: readonly (number | null)[]): number | null {
  const measured = values.filter((value) => value !== null);
  if (measured.length < values.length || measured.length === 0) return null;
  return measured.reduce((sum, value) => sum + value, 0) / measured.length;
}

function totalOf(pictures: readonly Picture[]): number {
  return pictures.reduce((sum, { generationMs }) => sum + generationMs, 0);
}
