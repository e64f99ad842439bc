import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fingerprintSidecars, readOwnManifest, RunWriter } from '../../src/evidence/run-writer.ts';
import { markInterrupted } from '../../src/evidence/interrupted.ts';
import { appendToCatalog } from '../../src/evidence/store/catalog.ts';
import { writeVerification } from '../../src/evidence/verification.ts';
import { point, sample } from '../unit/evidence/rows.ts';
import { startedRun } from '../unit/started-run.ts';

/** A run directory and the artifact directory that it is in. */
export interface StoredFolder {
  readonly artifacts: string;
  readonly folder: string;
}

/** The rows that every such run has of each table. */
export const ROWS = 5;

/** A run that is live, as its writer leaves it when it dies: rows and events are on disk, nothing is converted. */
export async function liveRun(): Promise<StoredFolder> {
  const { artifacts, folder } = startedRun();
  await (await begin(folder)).closeTables();
  return { artifacts, folder };
}

/** A run that ended by itself, with every kind of file that a run can have. */
export async function endedRun(): Promise<StoredFolder> {
  const { artifacts, folder } = startedRun();
  const writer = await begin(folder);
  const rows = await writer.toParquet();
  const first = readOwnManifest(folder);
  writeVerification(folder, {
    verification_hash: first.verification_hash,
    verified_at: first.timestamp_start,
    tool: { name: 'vitest-assay', version: '0.0.0' },
    enforce: false,
    status: 'recorded',
    failure: null,
    patterns: null,
    thresholds: [],
    verdicts: [],
  });
  writer.attach('result.json', '{"requests": 5}\n');
  writer.events.record('teardown.done', { phase_duration_s: 1, status: 'ok' });
  writer.events.close();
  const ended = writer.manifest({
    ...first,
    status: 'recorded',
    timestamp_end: first.timestamp_start,
    sidecars: await fingerprintSidecars(folder, rows),
  });
  appendToCatalog(artifacts, folder, ended);
  return { artifacts, folder };
}

/** A run that its job host left alone, with its rows as they were streamed. */
export async function interruptedRun(): Promise<StoredFolder> {
  const run = await liveRun();
  await markInterrupted(run.folder, { reason: 'the machine went down', orphans: 0, unconfirmed: [] });
  return run;
}

async function begin(folder: string): Promise<RunWriter> {
  write(join(folder, 'logs', 'server.localhost.log'), 'loading\nready\n');
  const writer = new RunWriter(folder);
  writer.events.record('prepare.start', {});
  for (let index = 0; index < ROWS; index += 1) {
    writer.sample(sample({ requestId: `r${index}`, ttftMs: index + 0.5 }));
    writer.point(point({ step: index, value: index / 2 }));
  }
  writer.events.flush();
  return writer;
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
