import { expect } from 'vitest';
import type { Project } from '../e2e/project.ts';
import { leaksInFolder, leaksInTemporaryFolders, leaksOnTheWay } from './sentinel-places.ts';
import { ENDS, runReported, runsOf, serverLog } from './sentinel-project.ts';
import type { End, Run } from './sentinel-project.ts';
import { proofOf, SentinelSearch } from './sentinel-secrets.ts';
import type { Sentinel } from './sentinel-secrets.ts';
import { watched } from './sentinel-watch.ts';
import type { ContainersWatched, Seen } from './sentinel-watch.ts';

/** One session of leaking cells, and where else it could leave something. */
export interface Setting {
  readonly project: Project;
  readonly sentinels: readonly Sentinel[];
  readonly ends: readonly End[];
  /** Folders of the hosts and engines. */
  readonly folders: readonly string[];
  readonly engine?: ContainersWatched;
}

/** What was looked through. */
export interface Searched {
  readonly seen: Seen;
  readonly screen: string;
  readonly runs: ReadonlyMap<string, Run>;
}

/** Runs the session, and expects that the workloads had their secrets, failed as they should, and nothing leaked. */
export async function expectNoLeak({ project, sentinels, ends, folders, engine }: Setting): Promise<Searched> {
  const search = new SentinelSearch(sentinels);
  const since = new Date();
  const { result: screen, seen } = await watched(runReported(project), {
    engine: engine ?? null,
    search: () => leaksOnTheWay(search, project.root, since),
  });
  const runs = runsOf(project);
  const expected = ends.map((end) => [end, ENDS[end]]);
  const actual = [...runs].map(([end, { manifest }]) => {
    return [end, { status: manifest.status, phase: manifest.failure?.originated_in_phase }];
  });
  expect(Object.fromEntries(actual), screen).toMatchObject(Object.fromEntries(expected));
  for (const end of ends) expectLeakedAtSource(runs.get(end), sentinels);
  const found = [
    ...seen.found,
    ...search.leaksIn('the terminal', screen),
    ...[...seen.argv].flatMap((argv) => search.leaksIn('the argv of a process', argv)),
    ...[...seen.containers].flatMap((facts) => search.leaksIn('what the engine says of a container', facts)),
    ...(await Promise.all([project.root, ...folders].map((folder) => leaksInFolder(search, folder)))).flat(),
    ...(await leaksInTemporaryFolders(search, since)),
  ];
  expect(found).toEqual([]);
  // The search can find what is there.
  expect([...seen.argv].join('\n')).toContain('leaky-server.mjs --model');
  return { seen, screen, runs };
}

/** Expects that the workload had them and printed them: otherwise nothing could leak. */
function expectLeakedAtSource(run: Run | undefined, sentinels: readonly Sentinel[]): void {
  const log = run === undefined ? '' : serverLog(run);
  for (const sentinel of sentinels) {
    expect(log).toContain(proofOf(sentinel));
    expect(log.split(`<SecretValue label=${sentinel.label}>`).length).toBeGreaterThan(20);
    expect(log).toContain(`in pieces: <SecretValue label=${sentinel.label}>`);
  }
}
