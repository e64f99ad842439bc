import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import type { Failure } from '../evidence/failure.ts';
import type { Manifest } from '../evidence/manifest.ts';
import { RUN_FILES } from '../evidence/run-folder.ts';
import { readEvents } from '../evidence/run-reader.ts';
import { matchFrameworkLine, matchKernelLine } from './patterns.ts';
import type { Pattern } from './patterns.ts';

/**
 * Holds the stored logs of a run against today's pattern catalogue: what its roles printed, and what the kernels of
 * its hosts logged between the two snapshots. Null when no fatal pattern hits.
 */
export async function rescanLogs(
  folder: string,
  { launches, hosts }: Pick<Manifest, 'launches' | 'hosts'>,
): Promise<Failure | null> {
  const bytesOf = bytesOfRun(folder);
  for (const { role, host } of launches) {
    const source = `${role}.${host}`;
    const path = join(folder, RUN_FILES.logs, `${source}.log`);
    const failure = await firstFatal(source, linesOf(path, bytesOf(source)), matchFrameworkLine);
    if (failure !== null) return failure;
  }
  for (const { hostname } of hosts) {
    const failure = await firstFatal(`dmesg.${hostname}`, kernelLines(folder, hostname), matchKernelLine);
    if (failure !== null) return failure;
  }
  return null;
}

async function firstFatal(
  source: string,
  lines: AsyncIterable<string> | Iterable<string>,
  match: (line: string) => Pattern | null,
): Promise<Failure | null> {
  for await (const line of lines) {
    const pattern = match(line);
    if (pattern?.severity !== 'fatal') continue;
    return {
      category: 'failure_pattern_matched',
      originated_in_phase: 'verify',
      message: `${pattern.id} in ${source} - ${pattern.hint}`,
      evidence: [line],
    };
  }
  return null;
}

const endSchema = z.object({ event: z.literal('teardown.start'), log_bytes: z.record(z.string(), z.int().min(0)) });

/** How much of each log is of the run: not what a role says while it is stopped, where its events tell the one from the other. */
function bytesOfRun(folder: string): (source: string) => number {
  const end = readEvents(folder).flatMap((event) => endSchema.safeParse(event).data ?? [])[0];
  return (source) => end?.log_bytes[source] ?? Infinity;
}

/** A log may be larger than a text can be. */
function linesOf(path: string, bytes: number): AsyncIterable<string> | Iterable<string> {
  if (bytes === 0 || !existsSync(path)) return [];
  return createInterface({ input: createReadStream(path, { end: bytes - 1 }), crlfDelay: Infinity });
}

/** What a kernel logged during the run; nothing where nobody could read it before, for then all of it may be older. */
function kernelLines(folder: string, host: string): readonly string[] {
  const [before, after] = (['pre', 'post'] as const).map((when) => {
    const path = join(folder, RUN_FILES.logs, `dmesg.${host}.${when}.txt`);
    const text = existsSync(path) ? readFileSync(path, 'utf8') : UNREAD;
    return text.startsWith(UNREAD) ? null : text.split('\n');
  });
  if (before === null || before === undefined) return [];
  const old = new Set(before);
  return (after ?? []).filter((line) => !old.has(line));
}

const UNREAD = 'not read: ';
