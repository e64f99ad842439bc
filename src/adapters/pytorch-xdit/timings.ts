import { z } from 'zod';
import { WorkloadFailure } from '../../evidence/failure.ts';
import { readJsonArtifact } from '../../lifecycle/artifact.ts';
import type { Timings } from './outputs.ts';

/** One picture: an image, or a video. */
export interface Picture {
  /** From the call of the pipeline to its end. */
  readonly generationMs: number;
  /** The part of it that decoded the picture; null where the file does not say. */
  readonly vaeDecodeMs: number | null;
}

const seconds = z.number().positive();
const pipeTimesSchema = z
  .array(z.looseObject({ pipe_time: seconds, vae_decode_time: z.number().nonnegative().exactOptional() }))
  .min(1);
const listSchema = z.array(seconds).min(1);
const stepSchema = z.looseObject({ total_time: seconds });

/**
 * Reads timings, in the order that the pictures were made in. Of a plain list the first is a warm-up, unless it is the
 * only one.
 *
 * @throws WorkloadFailure parse_failure when a file is not of its shape, or there are not as many as were asked for.
 */
export async function readTimings(timings: Timings, asked: number | undefined): Promise<readonly Picture[]> {
  const pictures = await readAll(timings);
  if (asked === undefined || pictures.length === asked) return timings.kind === 'list' ? measured(pictures) : pictures;
  const path = timings.kind === 'steps' ? timings.files[0].path : timings.file.path;
  const message = `${path} and its like tell of ${pictures.length} pictures, ${asked} were asked for - the log of the pipeline says why`;
  throw new WorkloadFailure('parse_failure', message);
}

function measured(pictures: readonly Picture[]): readonly Picture[] {
  return pictures.length > 1 ? pictures.slice(1) : pictures;
}

async function readAll(timings: Timings): Promise<readonly Picture[]> {
  switch (timings.kind) {
    case 'pipe_times': {
      const entries = await readJsonArtifact(timings.file.path, pipeTimesSchema);
      return entries.map(({ pipe_time, vae_decode_time }) => ({
        generationMs: pipe_time * 1000,
        vaeDecodeMs: vae_decode_time === undefined ? null : vae_decode_time * 1000,
      }));
    }
    case 'list':
      return (await readJsonArtifact(timings.file.path, listSchema)).map(pictureOf);
    case 'steps': {
      const steps = await Promise.all(timings.files.map(({ path }) => readJsonArtifact(path, stepSchema)));
      return steps.map(({ total_time }) => pictureOf(total_time));
    }
  }
}

function pictureOf(total: number): Picture {
  return { generationMs: total * 1000, vaeDecodeMs: null };
}
