import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseEvents } from '../../evidence/events.ts';
import type { RecordedEvent } from '../../evidence/events.ts';
import { RUN_FILES } from '../../evidence/run-folder.ts';
import type { ParseContext } from '../../lifecycle/adapter.ts';
import { MODEL_ROLES } from './parallelism.ts';

/** How long one server took until it served. */
interface Startup {
  readonly role: string;
  readonly host: string;
  readonly startupMs: number;
  /** When it served, milliseconds since the Unix epoch. */
  readonly tsMs: number;
}

/** How long the servers of a run took until they served. */
export interface Startups {
  readonly all: readonly Startup[];
  /** `<role>_startup_ms`: the slowest of a role; null where all of them ran before. */
  readonly scalars: Readonly<Record<string, number | null>>;
}

type Launches = ParseContext['run']['launches'];

const ROLES = [...MODEL_ROLES, 'router'];

/** Reads startup times off the events of a run. */
export async function readStartups(folder: string, launches: Launches): Promise<Startups> {
  const path = join(folder, RUN_FILES.events);
  const text = await readFile(path, 'utf8').catch(() => '');
  // A run that is not over may be writing its last line.
  return startupTimes(parseEvents(text.slice(0, text.lastIndexOf('\n') + 1), path), launches);
}

/** Servers that ran before, and nodes that serve nothing, have no startup time. */
function startupTimes(events: readonly RecordedEvent[], launches: Launches): Startups {
  const isLate = ({ argv, reused_from: from }: Launches[number]): boolean => from !== null || isFollower(argv);
  const silent = new Set(launches.filter(isLate).map(({ role, host }) => placeOf({ role, host })));
  const all = events.flatMap((event) => {
    const { role, host, after_s: seconds, ts } = event;
    const isReady =
      event['event'] === 'launch.role_ready' && typeof seconds === 'number' && !silent.has(placeOf(event));
    const tsMs = Date.parse(String(ts));
    return isReady && ROLES.includes(String(role)) && Number.isFinite(tsMs)
      ? [{ role: String(role), host: String(host), startupMs: seconds * 1000, tsMs }]
      : [];
  });
  const slowest = (role: string): number | null => {
    const times = all.filter((one) => one.role === role).map(({ startupMs }) => startupMs);
    return times.length === 0 ? null : Math.max(...times);
  };
  return { all, scalars: Object.fromEntries(ROLES.map((role) => [`${role}_startup_ms`, slowest(role)])) };
}

/** One point per server. */
export function writeStartups(writer: ParseContext['writer'], { all }: Startups): void {
  for (const { role, host, startupMs, tsMs } of all) {
    writer.point({ step: 0, tsMs, metric: 'per_role_startup_ms', value: startupMs, role, host, rank: null });
  }
}

function placeOf(place: Readonly<Record<string, unknown>>): string {
  return `${String(place['role'])} ${String(place['host'])}`;
}

/** Of a server over several nodes, only the first serves. */
function isFollower(argv: readonly string[]): boolean {
  const at = argv.indexOf('--node-rank');
  return at !== -1 && argv[at + 1] !== '0';
}
