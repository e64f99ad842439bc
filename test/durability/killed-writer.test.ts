import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/adapters/shared/random.ts';
import { findRuns } from '../../src/evidence/store/find-runs.ts';
import { markInterrupted } from '../../src/evidence/interrupted.ts';
import { listLive } from '../../src/evidence/store/live-runs.ts';
import { loadTables } from '../../src/evidence/tables/load-tables.ts';
import { wholeBatches } from '../../src/evidence/tables/recover.ts';
import { checkEvidence, readEvents, readManifest } from '../../src/evidence/run-reader.ts';
import { isOver } from '../../src/core/process-start.ts';
import { temporaryFolder } from '../unit/evidence/rows.ts';
import { writeTemplate } from './run-template.ts';

// How many writers are killed, and the seed that decides when; a failure names both. Each takes a second of a CPU.
const KILLS = Number(process.env['ASSAY_WRITER_KILLS'] ?? 40);
const SEED = Number(process.env['ASSAY_KILLS_SEED'] ?? randomInt(2 ** 31));

const WRITER = new URL('killed-writer.mjs', import.meta.url).pathname;
const AT_ONCE = 3;
/** How many runs a writer lives at the most. */
const LIVES = 1.5;
/** The rows that it writes between two flushes. */
const BATCH = 25;

/** What a writer said before it was killed. */
interface Testimony {
  /** The run that it was at. */
  readonly folder: string;
  /** The rows of each table that it knew to be on disk. */
  readonly rows: number;
  readonly hasEnded: boolean;
}

const NOTHING: Testimony = { folder: '', rows: 0, hasEnded: false };

/** What became of the run that a writer was killed in. */
interface Outcome {
  readonly state: 'no manifest' | 'marked' | 'had ended';
  readonly acknowledged: number;
  readonly recovered: number;
  /** Where its rows were found. */
  readonly from: 'parquet' | 'stream' | 'nowhere';
}

describe('a writer that is killed', () => {
  it(`leaves a run that can be read and that lost nothing, ${KILLS} times`, { timeout: 600_000 }, async () => {
    const random = createRandom(SEED, 'writer kills');
    const moments = Array.from({ length: KILLS }, () => random() * LIVES);
    const home = temporaryFolder();
    const template = writeTemplate(home);
    const outcomes: Outcome[] = [];
    const work = moments.entries();
    const worker = async (): Promise<void> => {
      for (const [index, moment] of work) {
        const artifacts = join(home, String(index));
        mkdirSync(artifacts);
        const testimony = await killedAfter(moment, [artifacts, template]);
        try {
          outcomes.push(await aftermath(artifacts, testimony));
        } catch (thrown) {
          throw new Error(`kill ${index} after ${moment.toFixed(3)} runs, ASSAY_KILLS_SEED=${SEED}`, { cause: thrown });
        }
        rmSync(artifacts, { recursive: true });
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    expect(outcomes).toHaveLength(KILLS);
    process.stdout.write(`\nASSAY_WRITER_KILLS=${KILLS} ASSAY_KILLS_SEED=${SEED}: ${told(outcomes)}\n`);
  });
});

/** Kills a writer so many times as long after it is ready as a run takes it. */
async function killedAfter(moment: number, args: readonly string[]): Promise<Testimony> {
  const child = spawn(process.execPath, [WRITER, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let testimony = NOTHING;
  const lines = createInterface({ input: child.stdout });
  const runMs = await new Promise<number>((resolve) => {
    lines.on('line', (line) => {
      const told = JSON.parse(line) as Partial<Testimony> & { readonly runMs?: number };
      if (told.runMs !== undefined) resolve(told.runMs);
      // A run begins with none of what the one before it had.
      else testimony = { ...(told.folder === undefined ? testimony : NOTHING), ...told };
    });
    child.once('close', () => resolve(0));
  });
  await delay(moment * runMs);
  child.kill('SIGKILL');
  if (child.exitCode === null && child.signalCode === null) await once(child, 'close');
  expect(child.signalCode).toBe('SIGKILL');
  return testimony;
}

/** Does behind a dead writer what a session does, and checks every run that it left. */
async function aftermath(artifacts: string, { folder, rows: acknowledged, hasEnded }: Testimony): Promise<Outcome> {
  const live = listLive(artifacts);
  expect(live.every(({ holder }) => isOver(holder))).toBe(true);
  const unfinished = findRuns(artifacts).filter((run) => run !== folder && readManifest(run).status === 'running');
  expect(unfinished).toEqual([]);
  if (!existsSync(join(folder, 'manifest.json'))) {
    expect(acknowledged).toBe(0);
    return { state: 'no manifest', acknowledged, recovered: 0, from: 'nowhere' };
  }
  const { status } = readManifest(folder);
  expect(status).toMatch(hasEnded ? /^recorded$/ : /^(running|recorded)$/);
  // Only such a note leads the next session to the run.
  if (status === 'running') expect(live.map((note) => note.folder)).toContain(folder);
  if (status === 'running' && existsSync(join(folder, 'events.jsonl'))) readEvents(folder);
  const marked = await markInterrupted(folder, { reason: 'it was killed', orphans: 0, unconfirmed: [] });
  expect(marked).toBe(status === 'running' ? 'interrupted' : 'recorded');
  for (const run of findRuns(artifacts)) await checkEvidence(run, readManifest(run), { hashes: 'all' });
  expect(filesIn(folder).filter((path) => path.endsWith('.tmp'))).toEqual([]);
  const events = readEvents(folder);
  expect(events.filter(({ event }) => event === 'request').length).toBeGreaterThanOrEqual(acknowledged);
  const { steps, from } = await stepsOf(folder);
  expect(steps.length).toBeGreaterThanOrEqual(acknowledged);
  expect(steps).toEqual(steps.map((_, index) => index));
  return { state: status === 'running' ? 'marked' : 'had ended', acknowledged, recovered: steps.length, from };
}

/** The numbers of the rows of both tables that are left, which are as many or one batch apart. */
async function stepsOf(folder: string): Promise<{ readonly steps: readonly number[]; readonly from: Outcome['from'] }> {
  const { samples, series } = await loadTables(folder);
  const requests = samples === null ? streamed(folder, 'samples', 'ttft_ms') : [...(samples.numeric('ttft_ms') ?? [])];
  const points = existsSync(join(folder, 'trajectory.parquet'))
    ? [...(series[0]?.values ?? [])]
    : streamed(folder, 'trajectory', 'value');
  expect(Math.abs(requests.length - points.length)).toBeLessThanOrEqual(BATCH);
  const steps = requests.length < points.length ? requests : points;
  expect(
    [...requests, ...points].toSorted((a, b) => a - b).filter((step, index, all) => step !== all[index - 1]),
  ).toEqual(Array.from({ length: Math.max(requests.length, points.length) }, (_, index) => index));
  return { steps, from: samples === null ? (steps.length === 0 ? 'nowhere' : 'stream') : 'parquet' };
}

function streamed(folder: string, table: string, column: string): readonly number[] {
  const path = join(folder, `${table}.arrows`);
  if (!existsSync(path)) return [];
  return [...wholeBatches(path)].flatMap((batch) => [...(batch.getChild(column) ?? [])] as number[]);
}

function filesIn(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true }).map(String);
}

function told(outcomes: readonly Outcome[]): string {
  const sum = (of: (outcome: Outcome) => number): number => outcomes.reduce((total, one) => total + of(one), 0);
  const count = (is: (outcome: Outcome) => boolean): number => outcomes.filter(is).length;
  const states = ['no manifest', 'marked', 'had ended'].map(
    (state) => `${state} ${count((one) => one.state === state)}`,
  );
  const places = ['parquet', 'stream', 'nowhere'].map((from) => `${from} ${count((one) => one.from === from)}`);
  const rows = `${sum((one) => one.acknowledged)} rows acknowledged, ${sum((one) => one.recovered)} recovered`;
  return `${states.join(', ')}; ${rows}; rows from: ${places.join(', ')}`;
}
