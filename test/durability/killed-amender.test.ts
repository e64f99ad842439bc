import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { randomInt } from 'node:crypto';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/adapters/shared/random.ts';
import { amendRun } from '../../src/evidence/amend-run.ts';
import { checkEvidence, readManifest } from '../../src/evidence/run-reader.ts';
import { amendmentsOf, expectAmended } from './amended.ts';
import { endedRun } from './stored-run.ts';

// How many of them are killed, and the seed that decides when; a failure names both.
const KILLS = Number(process.env['ASSAY_AMENDER_KILLS'] ?? 20);
const SEED = Number(process.env['ASSAY_KILLS_SEED'] ?? randomInt(2 ** 31));

const AMENDER = new URL('killed-amender.mjs', import.meta.url).pathname;
/** Several amendments take two processes this long. */
const LIFE_MS = 80;

describe('an amender that is killed', () => {
  it(
    `leaves the run as it was or as it was to be, and its lock to others, ${KILLS} times`,
    { timeout: 300_000 },
    async () => {
      const random = createRandom(SEED, 'amender kills');
      for (let index = 0; index < KILLS; index += 1) {
        const momentMs = random() * LIFE_MS;
        const { folder, artifacts } = await endedRun();
        await expectSurvived(folder, momentMs).catch((cause: unknown) => {
          throw new Error(`kill ${index} at ${momentMs.toFixed(1)} ms, ASSAY_KILLS_SEED=${SEED}`, { cause });
        });
        rmSync(artifacts, { recursive: true });
      }
    },
  );
});

async function expectSurvived(folder: string, momentMs: number): Promise<void> {
  const [a, b] = [startAmender(folder, 'a'), startAmender(folder, 'b')];
  await Promise.all([a.reached(1), b.reached(1)]);
  await delay(momentMs);
  await a.kill();
  // Whatever it held or waited for, the other one goes on.
  await b.reached(b.done.length + 3);
  await b.kill();
  await checkEvidence(folder, readManifest(folder), { hashes: 'all' });
  const amendments = amendmentsOf(folder);
  expect(amendments).toEqual(expect.arrayContaining([...a.done, ...b.done]));
  // Of each the last one may have been done without its being told.
  expect(amendments.length).toBeLessThanOrEqual(a.done.length + b.done.length + 2);
  expectAmended(folder, amendments);
  await amendRun(folder, (manifest) => Promise.resolve({ manifest: { ...manifest, tags: ['after'] }, files: {} }));
  await checkEvidence(folder, readManifest(folder), { hashes: 'all' });
  expect(readdirSync(folder, { recursive: true }).filter((path) => String(path).endsWith('.tmp'))).toEqual([]);
  expect(readdirSync(dirname(folder)).filter((name) => name.startsWith('.'))).toEqual([]);
}

interface Amender {
  /** The amendments that it said are done. */
  readonly done: readonly string[];
  /** Settles when so many are. */
  reached(count: number): Promise<void>;
  kill(): Promise<void>;
}

function startAmender(folder: string, name: string): Amender {
  const child = spawn(process.execPath, [AMENDER, folder, name], { stdio: ['ignore', 'pipe', 'inherit'] });
  const closed = once(child, 'close');
  const lines = createInterface({ input: child.stdout });
  const done: string[] = [];
  lines.on('line', (line) => void done.push(line));
  return {
    done,
    async reached(count) {
      while (done.length < count) await Promise.race([once(lines, 'line'), closed.then(() => expect.unreachable())]);
    },
    async kill() {
      child.kill('SIGKILL');
      await closed;
      expect(child.signalCode).toBe('SIGKILL');
    },
  };
}
