import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 20;
const TICKS_PER_S = 100;

/** A process of this machine, its hosts in namespaces and its containers included. */
export interface SeenProcess {
  readonly pid: number;
  readonly parent: number;
  readonly ageMs: number;
  readonly argv: readonly string[];
  readonly environment: readonly string[];
}

/** Every process of this machine that tells its environment. */
export function processes(): readonly SeenProcess[] {
  const upS = Number(readFileSync('/proc/uptime', 'latin1').split(' ')[0]);
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = read(name, 'stat');
        const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        const [state, parent] = fields;
        // One that is over, and waits for its parent to hear of it.
        if (state === 'Z') return [];
        const ageMs = 1000 * (upS - Number(fields[19]) / TICKS_PER_S);
        const [argv, environment] = [listIn(name, 'cmdline'), listIn(name, 'environ')];
        return [{ pid: Number(name), parent: Number(parent), ageMs, argv, environment }];
      } catch {
        return [];
      }
    });
}

/** Waits until something is found; null when the work ends first. */
export async function foundBefore<Found>(
  end: PromiseLike<unknown>,
  find: () => Found | null,
): Promise<NonNullable<Found> | null> {
  let isOver = false;
  const over = (): void => {
    isOver = true;
  };
  void end.then(over, over);
  for (;;) {
    const found = find();
    if (found !== null && found !== undefined) return found;
    if (isOver) return null;
    await delay(POLL_MS);
  }
}

/** Waits until nothing is left; answers what is left when that takes too long. */
export async function leftAfter<Item>(timeoutMs: number, find: () => readonly Item[]): Promise<readonly Item[]> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    const left = find();
    if (left.length === 0 || performance.now() > deadlineMs) return left;
    await delay(POLL_MS);
  }
}

function listIn(pid: string, file: string): readonly string[] {
  return read(pid, file)
    .split('\0')
    .filter((item) => item !== '');
}

function read(pid: string, file: string): string {
  return readFileSync(`/proc/${pid}/${file}`, 'latin1');
}
