import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { SampleRow } from '../../../../src/evidence/tables/samples.ts';
import type { TrajectoryRow } from '../../../../src/evidence/tables/trajectory.ts';
import type { Command } from '../../../../src/exec/executor.ts';
import type { ParseContext, ReadyRole, RunRequest } from '../../../../src/lifecycle/adapter.ts';
import type { RolePlan } from '../../../../src/lifecycle/launch.ts';

/** What a plan reads of a request; the rest of it is not there. */
export interface Asked {
  readonly params: Readonly<Record<string, unknown>>;
  readonly hosts: Readonly<Record<string, readonly string[]>>;
  readonly workload?: Readonly<Record<string, unknown>>;
}

/** A request of hosts of this machine; configs stand in `/configs`. */
export function requestOf({ params, hosts, workload = {} }: Asked): RunRequest {
  return {
    cell: { params, configFolder: '/configs', workload: { model: { id: 'tiny' }, seed: 7, knobs: {}, ...workload } },
    hosts,
    runId: 'run-1',
    on: { reach: { executor: 'local' }, nodes: [], container: null },
  } as unknown as RunRequest;
}

/** The command of a role on its nth host, when `ready` roles are; hosts are reached at `<name>.test`. */
export function commandOf(plan: RolePlan | undefined, index = 0, ready: readonly Partial<ReadyRole>[] = []): Command {
  if (plan === undefined) throw new Error('no such role');
  const addressOf = (host: string): string => `${host}.test`;
  return plan.command({
    host: `n${index}`,
    index,
    address: '127.0.0.1',
    addressOf,
    ready: ready as readonly ReadyRole[],
  });
}

/** What parse read and wrote. */
interface Written {
  readonly context: ParseContext;
  readonly samples: SampleRow[];
  readonly points: TrajectoryRow[];
}

/** A run directory with these files, and what its manifest says. */
export function runWith(files: Readonly<Record<string, string | Uint8Array>>, run: object): Written {
  const folder = mkdtempSync(join(tmpdir(), 'run-'));
  mkdirSync(join(folder, 'logs'));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  const [samples, points]: [SampleRow[], TrajectoryRow[]] = [[], []];
  const writer = {
    sample: (row: SampleRow) => void samples.push(row),
    point: (row: TrajectoryRow) => void points.push(row),
  };
  const manifest = { knobs: {}, launches: [], timestamp_start: '2026-01-01T00:00:00.000Z', ...run };
  return { context: { folder, run: manifest, writer } as unknown as ParseContext, samples, points };
}

/** The value after a flag; undefined where it is not given. */
export function flagIn({ args }: Command, flag: string): string | undefined {
  const at = args.indexOf(`--${flag}`);
  return at === -1 ? undefined : args[at + 1];
}
