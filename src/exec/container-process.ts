import { AssayError } from '../core/errors.ts';
import { ask, exitOf, findContainers, removeContainers, saidBy } from './container-engine.ts';
import type { Engine } from './container-engine.ts';
import type { Command, ProcessId, RunningProcess } from './executor.ts';
import { isSuccess } from './exit.ts';
import type { Exit } from './exit.ts';
import { parseUsage, usageOver } from './local-usage.ts';

// What the engine needs for itself when it stops a container.
const STOP_MARGIN_MS = 60_000;

// The log of a container that is gone ends within moments.
const STREAM_END_MS = 15_000;

/** A container that was started. */
export interface Started {
  readonly engine: Engine;
  readonly id: Extract<ProcessId, { kind: 'container' }>;
  readonly name: string;
}

// Whoever follows a log may lose the last lines of a container that ends (podman often, docker under load), so the
// client starts the container itself, and listens from the beginning. Docker's knows no `--sig-proxy`.
const START = { docker: '"$1" start --attach "$2"', podman: '"$1" start --attach --sig-proxy=false "$2"' };

const FOLLOW = `if [ "$("$1" container inspect --format '{{.State.Running}}' "$2" 2>/dev/null)" = true ]; then
  broke_off
  "$1" wait "$2" >/dev/null 2>&1
fi`;

/**
 * The command that prints what a container prints, until the container is gone, and starts it.
 * Last it says, for the log and whoever reads it, when the container ran out of memory.
 */
export function followCommand({ runtime }: Engine, id: string, name: string): Command {
  const script = `name=$3
broke_off() { echo "the log of container $name broke off: what it prints from now on is missing" >&2; }
${START[runtime]}
${FOLLOW}
"$1" container inspect --format "$4" "$2" 2>/dev/null | grep OOMKilled >&2`;
  const outOfMemory = `{{if .State.OOMKilled}}container ${name} exited with code {{.State.ExitCode}}, OOMKilled{{end}}`;
  return { file: 'sh', args: ['-c', script, 'sh', runtime, id, name, outOfMemory] };
}

/** A container as a process: `stream` prints what it prints; how it ended is what the engine knows. */
export function containerProcess(started: Started, stream: RunningProcess): RunningProcess {
  const { engine, id } = started;
  let exit: Exit | null = null;
  const exited = stream.exited.then(async () => (exit = await exitOf(engine, id.id)));
  return {
    id,
    exited,
    exit: () => exit,
    tail: (lines) => stream.tail(lines),
    onLine: (listener) => stream.onLine(listener),
    redirect: (logFile) => stream.redirect(logFile),
    logError: () => stream.logError(),
    // Of its first process only, as for a process on the host.
    usage: async () => (exit === null ? usageOver(engine.executor, id.pid) : parseUsage('', '')),
    stop: async (graceMs) => {
      const isThere = await stopContainer(started, graceMs);
      // The engine knows it best while the container is still there.
      const end = isThere ? await exitOf(engine, id.id) : null;
      const timer = setTimeout(() => void stream.stop(0).catch(() => undefined), STREAM_END_MS);
      await exited;
      clearTimeout(timer);
      await removeContainers(engine, [id.id]);
      return end ?? exited;
    },
  };
}

/** Whether the container was there to be stopped. Rejects when it may still run. */
async function stopContainer({ engine, id, name }: Started, graceMs: number): Promise<boolean> {
  const graceSeconds = String(Math.ceil(graceMs / 1000));
  const answer = await ask(engine, ['stop', '--time', graceSeconds, id.id], { timeoutMs: graceMs + STOP_MARGIN_MS });
  if (isSuccess(answer.exit)) return true;
  const left = await findContainers(engine);
  if (left !== null && !left.includes(id.id)) return false;
  throw new AssayError(
    'TEARDOWN_FAILED',
    `${engine.runtime} on ${engine.host} could not stop ${name}: ${saidBy(answer)}`,
    {
      hint: `the container may still run: see to it that ${engine.runtime} answers there, then run: assay reap`,
    },
  );
}
