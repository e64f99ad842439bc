import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { AssayError } from '../core/errors.ts';
import { VARIABLES } from '../core/variables.ts';
import type { Carrier } from './carrier.ts';
import type { Exit } from './exit.ts';
import type { Waiting } from './hosts.ts';
import { shellWords } from './shell-quote.ts';

/** Where lock files lie on every host; a variable is for those who must not share it. */
const DEFAULT_FOLDER = '/tmp/assay-locks';

// The kernel gives the lock back when the script's process ends, and the script ends with its
// stdin: a lock dies with whoever holds it. It is taken on a file that is only read: in a folder that
// everybody may write, some kernels let nobody write another one's file, and then only the name is stale. `cat` waits for that end. Who still waits for the
// lock looks every second whether anybody waits for him.
const LOCK_SCRIPT = `
command -v flock >/dev/null || { echo none; exec cat >/dev/null; }
umask 0
mkdir -p -m 1777 "$1" || exit
[ -e "$1/$2" ] || : >"$1/$2"
exec 9<"$1/$2" || exit
if ! flock -n "$3" 9; then
  echo "held $(head -n 1 "$1/$2")"
  until flock -w 1 "$3" 9; do kill -0 "$PPID" || exit; done
fi
{ echo "$4" >"$1/$2"; } 2>/dev/null
echo ours
exec cat >/dev/null
`;

interface LockOptions {
  /** What names the lock on the host: those who say another name do not wait for each other. */
  readonly name: string;
  readonly isExclusive: boolean;
  /** Who holds it, for whoever waits. */
  readonly holder: string;
}

/** A host that is ours until it is released, or this process dies. */
export interface HostLock {
  release(): Promise<void>;
}

/**
 * Waits until no other session has the host, and keeps it from them. A host without `flock`
 * keeps nobody out. Rejects with SETUP_FAILED when the host cannot be asked.
 */
export async function lockHost(
  carrier: Carrier,
  { name, isExclusive, holder }: LockOptions,
  { signal, onWait }: Waiting,
): Promise<HostLock> {
  signal.throwIfAborted();
  const folder = process.env[VARIABLES.lockFolder] ?? DEFAULT_FOLDER;
  const words = ['sh', '-c', LOCK_SCRIPT, 'sh', folder, fileName(name), isExclusive ? '-x' : '-s', holder];
  const { file, args, env } = carrier.carry(`exec ${shellWords(words)}`);
  const child = spawn(file, args, { env: { ...process.env, ...env } });
  const aborted = new Promise<null>((resolve) => {
    signal.addEventListener('abort', () => resolve(null), { once: true });
  });
  const ended = new Promise<Exit>((resolve) => {
    child.once('error', ({ message }) => resolve({ kind: 'lost', reason: message }));
    child.once('close', (code, by) =>
      resolve(by === null ? { kind: 'exited', code: code ?? 0 } : { kind: 'signalled', signal: by }),
    );
  });
  // The script may be gone before it is asked to end.
  child.stdin.on('error', () => undefined);
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (piece: string) => (complaint += piece));
  const ours = new Promise<true>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line === 'ours' || line === 'none') resolve(true);
      else if (line.startsWith('held'))
        onWait(`${carrier.host} is in use by ${line.replace(/^held ?/, '') || 'another session'}`);
    });
  });
  const first = await Promise.race([ours, ended, aborted]);
  // Once it is ours it outlives an abort: the run is still to be torn down.
  if (first === null) {
    child.kill();
    signal.throwIfAborted();
  } else if (first !== true) {
    const message = `${carrier.host} could not be locked: ${carrier.explain(first, complaint)}`;
    const isOfFolder = complaint.includes(folder);
    // The way there may have failed: then the reason says what to do.
    const hint = isOfFolder ? { hint: `check that ${folder} on ${carrier.host} can be written` } : {};
    throw new AssayError('SETUP_FAILED', message, hint);
  }
  return {
    release: async () => {
      child.stdin.end();
      await ended;
    },
  };
}

// A name is a host name or an IP address with a port: no slash, no blank.
function fileName(name: string): string {
  return `${name.replaceAll(/[^\w.-]+/g, '_')}.lock`;
}
