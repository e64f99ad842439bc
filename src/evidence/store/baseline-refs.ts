import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { AssayError, messageOf } from '../../core/errors.ts';

const FOLDER = 'baselines';

/** What every baseline has, whatever else it says. */
const baselineSchema = z.looseObject({
  schema_version: z.string().regex(/^1\./, 'is not 1.x'),
  name: z.string(),
  /** The runs that it was made from, by their run_id. */
  runs: z.array(z.string()),
});

/**
 * The runs that baselines of an artifact directory refer to, each with the name of one such baseline.
 *
 * @throws AssayError EVIDENCE_DAMAGED for a baseline that cannot be read: nobody knows what it refers to.
 */
export function baselineRefs(artifacts: string): ReadonlyMap<string, string> {
  const folder = join(artifacts, FOLDER);
  const files = baselineFiles(folder).map((file) => readBaseline(join(folder, file)));
  return new Map(files.flatMap(({ name, runs }) => runs.map((runId) => [runId, name] as const)));
}

function baselineFiles(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.json') && !name.startsWith('.'))
      .sort();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw unreadable(folder, messageOf(cause), cause);
  }
}

function readBaseline(path: string): z.output<typeof baselineSchema> {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw unreadable(path, messageOf(cause), cause);
  }
  const parsed = baselineSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw unreadable(path, `${issue?.path.join('.') || 'it'}: ${issue?.message ?? 'is no baseline'}`, parsed.error);
}

function unreadable(path: string, reason: string, cause: unknown): AssayError {
  return new AssayError('EVIDENCE_DAMAGED', `${path} cannot be read, so nobody knows which runs it needs: ${reason}`, {
    hint: 'repair it, or move it out of the folder if it is no baseline',
    cause,
  });
}
