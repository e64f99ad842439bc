import { AssayError } from '../core/errors.ts';
import { saidBy } from './container-engine.ts';
import type { Engine } from './container-engine.ts';
import type { Finished } from './executor.ts';

interface Refusal {
  readonly pattern: RegExp;
  readonly hint: string;
}

// The first that matches counts. Both engines start programs with runc or crun, whose words are the same.
const REFUSALS: readonly Refusal[] = [
  {
    pattern: /exec: .*permission denied|open executable: permission denied/i,
    hint: 'the program is in the image but cannot be executed (126): name a program, or make it executable',
  },
  {
    pattern: /executable file .*not found|exec: .*no such file or directory/i,
    hint: 'the program is not in the image (127): name one that is, or take another image',
  },
  {
    pattern: /setting rlimit|RLIMIT_/i,
    hint: "a limit such as memlock or nofile is above the host's own: raise it there, or lower the engine's default ulimits",
  },
  {
    pattern: /already in use/i,
    hint: 'a container of this run is still there: remove what the run left with: assay reap',
  },
  {
    pattern: /bind source path|statfs |error mounting|invalid mount/i,
    hint: 'mount only what is there on this host: correct `container.mounts`, or put the missing files there',
  },
  {
    pattern: /custom device|device driver|stat \/dev\/|\/dev\/\S+: no such/i,
    hint: 'list only devices that this host has under `container.devices`, and check that their driver is loaded',
  },
  {
    pattern: /no space left/i,
    hint: "free space in the engine's storage on this host",
  },
  {
    pattern: /cannot connect|is the docker daemon running|connection refused|permission denied.*docker/i,
    hint: 'start the engine on this host, and check that this user may use it',
  },
];

/** The error for what an engine refused: its own last words, and the next step. */
export function refusal(engine: Engine, what: string, finished: Finished): AssayError {
  const said = saidBy(finished);
  const hint = REFUSALS.find(({ pattern }) => pattern.test(said))?.hint ?? fallback(engine, finished);
  return new AssayError('SETUP_FAILED', `${engine.runtime} on ${engine.host} could not ${what}: ${said}`, { hint });
}

function fallback({ runtime }: Engine, { exit }: Finished): string {
  return exit.kind === 'lost'
    ? `check that ${runtime} is installed on this host and answers: ${runtime} version`
    : `try it by hand on this host: ${runtime} run --rm`;
}
