import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';

const LOOK_EVERY_MS = 5;
const INSPECT_EVERY_MS = 150;
const SEARCH_EVERY_MS = 300;

/** The containers of an engine, while they live. */
export interface ContainersWatched {
  readonly runtime: 'docker' | 'podman';
  readonly env: Readonly<Record<string, string>>;
}

/** What was seen while something ran. */
export interface Seen {
  /** The argv of every process of this machine, those in namespaces of their own included. */
  readonly argv: ReadonlySet<string>;
  /** All that the engine says of its containers but `Config.Env`. */
  readonly containers: ReadonlySet<string>;
  /** What it says there: whoever hands a variable to a container hands it to everybody who may use the engine. */
  readonly environments: ReadonlySet<string>;
  /** What was found in files, those included that were gone again at the end. */
  readonly found: ReadonlySet<string>;
}

interface Looking {
  readonly engine: ContainersWatched | null;
  /** Searches the files that are there at this moment. */
  readonly search: () => readonly string[];
}

/** Looks on while `work` runs. */
export async function watched<T>(
  work: Promise<T>,
  { engine, search }: Looking,
): Promise<{ readonly result: T; readonly seen: Seen }> {
  let isOver = false;
  const sets = { argv: new Set<string>(), containers: new Set<string>(), environments: new Set<string>() };
  const seen = { ...sets, found: new Set<string>() };
  const looking = lookOn(() => isOver, seen.argv);
  const searching = searchOn(() => isOver, search, seen.found);
  const inspecting = engine === null ? Promise.resolve() : inspectAll(() => isOver, engine, seen);
  try {
    return { result: await work, seen };
  } finally {
    isOver = true;
    await Promise.all([looking, searching, inspecting]);
  }
}

async function lookOn(isOver: () => boolean, argv: Set<string>): Promise<void> {
  while (!isOver()) {
    for (const pid of readdirSync('/proc')) if (/^\d+$/.test(pid)) argv.add(argvOf(pid));
    await delay(LOOK_EVERY_MS);
  }
}

async function searchOn(isOver: () => boolean, search: Looking['search'], found: Set<string>): Promise<void> {
  while (!isOver()) {
    for (const leak of search()) found.add(leak);
    await delay(SEARCH_EVERY_MS);
  }
}

function argvOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

interface Inspected {
  readonly Config?: { Env?: unknown };
}

async function inspectAll(
  isOver: () => boolean,
  { runtime, env }: ContainersWatched,
  seen: Record<'containers' | 'environments', Set<string>>,
): Promise<void> {
  while (!isOver()) {
    const { stdout: list } = await execa(runtime, ['ps', '--all', '--quiet', '--no-trunc'], { env, reject: false });
    const ids = list.split('\n').filter((id) => id !== '');
    const { stdout } = await execa(runtime, ['inspect', ...ids], { env, reject: false });
    for (const container of parsed(stdout)) {
      seen.environments.add(JSON.stringify(container.Config?.Env));
      delete container.Config?.Env;
      seen.containers.add(JSON.stringify(container));
    }
    await delay(INSPECT_EVERY_MS);
  }
}

// One that was removed in between is an error, and an empty list.
function parsed(stdout: string): readonly Inspected[] {
  try {
    return JSON.parse(stdout) as readonly Inspected[];
  } catch {
    return [];
  }
}
