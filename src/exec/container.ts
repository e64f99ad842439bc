import { setTimeout as delay } from 'node:timers/promises';
import { AssayError } from '../core/errors.ts';
import type { ContainerSpec } from '../config/schema/container.ts';
import { containerName, createArgs } from './container-argv.ts';
import type { Creation } from './container-argv.ts';
import {
  ENGINE_TIMEOUT_MS,
  ask,
  engineCommand,
  engineOn,
  findContainers,
  removeContainers,
  runtimeVersion,
} from './container-engine.ts';
import type { Engine } from './container-engine.ts';
import { envFileText } from './container-env.ts';
import { refusal } from './container-failure.ts';
import { presentImage } from './container-image.ts';
import { emptyFolder } from './container-emptying.ts';
import { containerProcess, followCommand } from './container-process.ts';
import type { Command, Executor, Labelled, RunningProcess, StartOptions } from './executor.ts';
import { isSuccess } from './exit.ts';

const NOT_BEGUN: readonly string[] = ['created', 'initialized'];

const BEGIN_POLL_MS = 50;

/** The same host, on which long-lived processes run in containers; short commands still run on the host itself. */
export function inContainer(inner: Executor, container: ContainerSpec): Executor {
  const engine = engineOn(inner, container);
  return {
    host: inner.host,
    address: inner.address,
    run: (command, options) => inner.run(command, options),
    start: (command, options) => startContainer(engine, { container, command, options }),
    copyIn: (from, to) => inner.copyIn(from, to),
    copyOut: (from, to) => inner.copyOut(from, to),
    findLabelled: (runId) => findLabelled(engine, runId),
    end: (found) => end(engine, found),
    emptyFolder: (folder, runId) => emptyFolder(engine, container, { folder, runId }),
    fingerprint: async () => {
      const [facts, runtime] = await Promise.all([inner.fingerprint(), runtimeVersion(engine)]);
      return { ...facts, container_runtime: runtime };
    },
  };
}

interface Role {
  readonly container: ContainerSpec;
  readonly command: Command;
  readonly options: StartOptions;
}

async function startContainer(engine: Engine, role: Role): Promise<RunningProcess> {
  const image = await presentImage(engine, role.container);
  const id = await create(engine, { ...role, imageId: image.id, host: engine.host });
  try {
    const stream = await begin(engine, id, role);
    const pid = await succeed(engine, `inspect the container ${id}`, ['inspect', '--format', '{{.State.Pid}}', id]);
    const name = containerName({ host: engine.host, options: role.options });
    return containerProcess(
      { engine, id: { kind: 'container', id, pid: Number(pid), image: image.digest }, name },
      stream,
    );
  } catch (thrown) {
    // Why it did not start is what counts; what could not be removed is found by its label.
    await removeContainers(engine, [id]).catch(() => undefined);
    throw thrown;
  }
}

/** Starts a container, and what prints what it prints. */
async function begin(engine: Engine, id: string, { container, command, options }: Role): Promise<RunningProcess> {
  const what = `start ${command.file} in a container of ${container.image}`;
  const follow = followCommand(engine, id, containerName({ host: engine.host, options }));
  const stream = await engine.executor.start(follow, { ...options, secrets: {} });
  for (;;) {
    const isOver = stream.exit() !== null;
    const inspect = ['container', 'inspect', '--format', '{{.State.Status}}', id];
    if (!NOT_BEGUN.includes(await succeed(engine, what, inspect))) return stream;
    if (isOver)
      throw refusal(engine, what, { exit: await stream.exited, stdout: '', stderr: stream.tail(5).join('\n') });
    await delay(BEGIN_POLL_MS);
  }
}

/**
 * The environment reaches the engine's client through a pipe, so secrets are in no file and in no argv.
 * Stdin itself may be a socket, which a program cannot open by name: hence the `cat`.
 */
async function create(engine: Engine, creation: Role & Creation): Promise<string> {
  const { container, command, options } = creation;
  const client = engineCommand(engine, createArgs(creation, '/dev/stdin'));
  const piped = { file: 'sh', args: ['-c', 'cat | "$@"', 'sh', client.file, ...client.args] };
  const input = envFileText(container, command, options);
  const created = await engine.executor.run(piped, { input, timeoutMs: ENGINE_TIMEOUT_MS });
  if (isSuccess(created.exit)) return created.stdout.trim();
  const stderr = options.scrubber.scrub(created.stderr);
  throw refusal(engine, `create a container of ${container.image}`, { ...created, stderr });
}

async function succeed(engine: Engine, what: string, args: readonly string[]): Promise<string> {
  const answer = await ask(engine, args, { timeoutMs: ENGINE_TIMEOUT_MS });
  if (!isSuccess(answer.exit)) throw refusal(engine, what, answer);
  return answer.stdout.trim();
}

// An engine that does not answer must not pass for one that has nothing. Its containers' processes can be
// found, and ended, all the same; when none is left, nobody knows what else there is.
async function findLabelled(engine: Engine, runId: string): Promise<readonly Labelled[] | null> {
  const [processes, containers] = await Promise.all([
    engine.executor.findLabelled(runId),
    findContainers(engine, runId),
  ]);
  const found = [...(processes ?? []), ...(containers ?? []).map((id) => ({ kind: 'container', id }) as const)];
  if (containers === null && found.length === 0) throw silence(engine);
  return processes === null && found.length === 0 ? null : found;
}

function silence({ runtime, host }: Engine): AssayError {
  return new AssayError('SETUP_FAILED', `${runtime} on ${host} does not answer, so nobody knows what it still runs`, {
    hint: `start ${runtime} there again, then run: assay reap`,
  });
}

async function end(engine: Engine, found: readonly Labelled[]): Promise<void> {
  const containers = found.filter((item) => item.kind === 'container').map(({ id }) => id);
  // An engine that does not answer must keep no process alive.
  const ended = await Promise.allSettled([
    engine.executor.end(found.filter((item) => item.kind !== 'container')),
    removeContainers(engine, containers),
  ]);
  for (const result of ended) if (result.status === 'rejected') throw result.reason;
}
