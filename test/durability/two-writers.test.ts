import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { v7 as uuidv7 } from 'uuid';
import { describe, expect, it } from 'vitest';
import { appendToCatalog } from '../../src/evidence/store/catalog.ts';
import { findRuns } from '../../src/evidence/store/find-runs.ts';
import { checkEvidence, readEvents, readManifest } from '../../src/evidence/run-reader.ts';
import { writeManifest } from '../../src/evidence/run-writer.ts';
import { storedRuns } from '../../src/evidence/store/run-store.ts';
import { temporaryFolder } from '../unit/evidence/rows.ts';
import { writeTemplate } from './run-template.ts';
import { expectAmended } from './amended.ts';
import { endedRun } from './stored-run.ts';

const WRITER = new URL('busy-writer.mjs', import.meta.url).pathname;
// A run is 25 operations, an amendment is two: 10,000 of them by two writers.
const RUNS = 168;
const AMENDMENTS = 400;
const SHARED = 8;
const STEPS = Array.from({ length: 20 }, (_, step) => step);

interface Written {
  readonly operations: number;
  readonly runs: readonly string[];
  readonly amendments: readonly { readonly folder: string; readonly token: string }[];
}

describe('two writers in one artifact directory', () => {
  it('lose nothing of 10,000 operations', { timeout: 300_000 }, async () => {
    const template = writeTemplate(temporaryFolder());
    const { artifacts, shared } = await sharedRuns();
    const write = async (name: string): Promise<Written> => {
      const args = [WRITER, artifacts, template, name, String(RUNS), String(AMENDMENTS), ...shared];
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
      const [written, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
      expect(code).toBe(0);
      return JSON.parse(written) as Written;
    };
    const both = await Promise.all([write('a'), write('b')]);
    expect(both.map(({ operations }) => operations)).toEqual([5000, 5000]);
    const own = both.flatMap(({ runs }) => runs);
    expect(findRuns(artifacts).toSorted()).toEqual([...own, ...shared].toSorted());
    for (const folder of findRuns(artifacts)) await checkEvidence(folder, readManifest(folder), { hashes: 'all' });
    for (const folder of own) expect(readEvents(folder).map(({ step }) => step)).toEqual(STEPS);
    const amended = both.flatMap(({ amendments }) => amendments);
    for (const folder of shared) {
      const tokens = amended.filter((one) => one.folder === folder).map(({ token }) => token);
      expect(tokens).toHaveLength((2 * AMENDMENTS) / SHARED);
      expectAmended(folder, tokens);
    }
    expectCatalogued(artifacts, [...own, ...shared, ...amended.map(({ folder }) => folder)]);
    expect(readdirSync(join(artifacts, '.live'))).toEqual([]);
    const leftovers = readdirSync(artifacts, { recursive: true }).map(String);
    expect(leftovers.filter((path) => /\.(lock|tmp)(\/|$)/.test(path))).toEqual([]);
  });
});

/** Runs that ended, in one artifact directory. */
async function sharedRuns(): Promise<{ readonly artifacts: string; readonly shared: readonly string[] }> {
  const { artifacts, folder } = await endedRun();
  const manifest = readManifest(folder);
  const shared = Array.from({ length: SHARED }, () => {
    const runId = uuidv7();
    const copy = join(dirname(folder), runId);
    cpSync(folder, copy, { recursive: true });
    writeManifest(copy, { ...manifest, run_id: runId });
    return copy;
  });
  rmSync(folder, { recursive: true });
  rmSync(join(artifacts, 'catalog.jsonl'));
  for (const copy of shared) appendToCatalog(artifacts, copy, readManifest(copy));
  return { artifacts, shared };
}

/** The catalogue has a line for every end and every amendment of a run, and the last of each says what is so now. */
function expectCatalogued(artifacts: string, writes: readonly string[]): void {
  const lines = readFileSync(join(artifacts, 'catalog.jsonl'), 'utf8').split('\n').slice(0, -1);
  const paths = lines.map((line) => join(artifacts, String((JSON.parse(line) as { readonly path: unknown }).path)));
  expect(paths.toSorted()).toEqual(writes.toSorted());
  const stored = [...storedRuns(artifacts)].map(({ folder }) => folder);
  expect(stored.toSorted()).toEqual([...new Set(writes)].toSorted());
}
