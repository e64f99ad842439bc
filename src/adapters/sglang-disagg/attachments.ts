import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { RUN_FILES } from '../../evidence/run-folder.ts';
import type { RunWriter } from '../../evidence/run-writer.ts';
import type { TrajectoryRow } from '../../evidence/tables/trajectory.ts';
import type { ServerCounts } from './router-workers.ts';

const ROUTER_FILE = 'sglang-router.json';

const countsSchema = z.object({ prefill: z.number(), decode: z.number() });

const registeredSchema = z.object({
  schema_version: z.literal('1'),
  expected: countsSchema,
  registered: countsSchema.nullable(),
});

/** The servers that a router is to know, and those that it knew when the load began. */
export interface Registered {
  readonly expected: ServerCounts;
  /** Null where its version does not say. */
  readonly registered: ServerCounts | null;
}

/** Keeps which servers the router knew: once it is gone, nobody can ask it again. */
export function keepRegistered(writer: Pick<RunWriter, 'attach'>, registered: Registered): void {
  const attachment: z.output<typeof registeredSchema> = { schema_version: '1', ...registered };
  writer.attach(ROUTER_FILE, `${JSON.stringify(attachment, null, 2)}\n`);
}

/** Reads which servers the router knew; null where that is not known. */
export async function readRegistered(folder: string): Promise<Registered | null> {
  const text = await readFile(join(folder, RUN_FILES.attachments, ROUTER_FILE), 'utf8').catch(() => 'null');
  try {
    return registeredSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

const OBSERVED_FILE = 'sglang-observed.jsonl';

const pointSchema = z.object({
  step: z.number(),
  tsMs: z.number(),
  metric: z.string(),
  value: z.number(),
  role: z.string(),
  host: z.string(),
  rank: z.null(),
});

/** Keeps what was seen of the servers, one point a line. */
export function keepObserved(writer: Pick<RunWriter, 'attach'>, points: readonly TrajectoryRow[]): void {
  writer.attach(OBSERVED_FILE, points.map((point) => `${JSON.stringify(point)}\n`).join(''));
}

/** Reads what was seen of the servers; a line that is none is left out. */
export async function readObserved(folder: string): Promise<readonly TrajectoryRow[]> {
  const text = await readFile(join(folder, RUN_FILES.attachments, OBSERVED_FILE), 'utf8').catch(() => '');
  return text.split('\n').flatMap((line) => {
    const parsed = pointSchema.safeParse(parseLine(line));
    return parsed.success ? [parsed.data] : [];
  });
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}
