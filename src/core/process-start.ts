import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** A process, as one that shares its files tells it from every other. */
export interface ProcessIdentity {
  readonly hostname: string;
  readonly pid: number;
  /** Null where the system does not say. */
  readonly started: string | null;
  /** `<boot>.<namespace>`, within which its id means something: containers may share a hostname. Absent where the system does not say. */
  readonly view?: string;
}

/** A process of this machine, this one by default. */
export function processIdentity(pid = process.pid): ProcessIdentity {
  const identity = { hostname: hostname(), pid, started: processStart(pid) };
  const view = ownView();
  return view === null ? identity : { ...identity, view };
}

/**
 * Whether a process is known to be over. Of a process of another machine, or of a container that
 * this process cannot look into, nobody here knows: it counts as alive.
 */
export function isOver({ hostname: machine, pid, started, view }: ProcessIdentity): boolean {
  if (machine !== hostname()) return false;
  const own = ownView();
  if (view !== undefined && own !== null && view !== own) return bootOf(view) !== bootOf(own);
  return !isSameProcess(pid, started);
}

const TEXT = /^(?<pid>\d+)-(?<started>\d*)-(?<view>[0-9a-f.]*)-(?<hostname>.+)$/;

/** A process as a part of a file name. */
export function identityText({ hostname: machine, pid, started, view }: ProcessIdentity): string {
  return `${pid}-${started ?? ''}-${view ?? ''}-${machine}`;
}

/** The process that such a text names; null where it names none. */
export function identityIn(text: string): ProcessIdentity | null {
  const found = TEXT.exec(text)?.groups;
  if (found === undefined) return null;
  const { pid, started, view, hostname: machine = '' } = found;
  const identity = { hostname: machine, pid: Number(pid), started: started || null };
  return view ? { ...identity, view } : identity;
}

/** What tells a process from another that got its id later; null where the system does not say. */
export function processStart(pid: number): string | null {
  const [state, ...fields] = statOf(pid) ?? [];
  // A zombie is over; only its parent has not heard of it yet.
  return state === 'Z' ? null : (fields[18] ?? null);
}

/** Where the system does not say when processes started: whether any has this id. */
function isSameProcess(pid: number, start: string | null): boolean {
  if (process.platform !== 'linux') return exists(pid);
  if (start === null) return false;
  // Another user's may be there without showing its start.
  return statOf(pid) === null ? exists(pid) : processStart(pid) === start;
}

/** What the system says of a process, from its state on; null where it says nothing. */
function statOf(pid: number): readonly string[] | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The program's name may hold blanks and brackets: count fields after its last ")".
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return null;
  }
}

function exists(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'EPERM';
  }
}

let knownView: string | null = null;

/** The boot of this machine and the namespace in which this process counts processes; null where the system does not say. */
function ownView(): string | null {
  knownView ??= readView();
  return knownView;
}

function readView(): string | null {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1')
      .replaceAll(/[^0-9a-f]/g, '')
      .slice(0, 12);
    const namespace = readlinkSync('/proc/self/ns/pid').replaceAll(/\D/g, '');
    return `${boot}.${namespace}`;
  } catch {
    return null;
  }
}

function bootOf(view: string): string | undefined {
  return view.split('.')[0];
}
