import { AssayError } from '../core/errors.ts';
import type { ContainerSpec } from '../config/schema/container.ts';
import type { Command, Executor, Finished, RunOptions } from './executor.ts';
import { describeExit, isSuccess } from './exit.ts';
import type { Exit } from './exit.ts';
import { CONTAINER_LABEL } from './run-label.ts';

/** What an engine may take to unpack, start or remove a large container on a busy disk. */
export const ENGINE_TIMEOUT_MS = 10 * 60_000;

const SAID_LINES = 5;

// Podman also knows states in between, in which the exit code says nothing yet.
const OVER: readonly string[] = ['exited', 'stopped', 'dead'];

// Advice on usage, and a list of what was asked for.
const NOISE = /^(Usage:|Run '|See '|Error: failed to start containers)/;

/** A container engine's command-line client on one host. */
export interface Engine {
  readonly runtime: ContainerSpec['runtime'];
  /** The host's name in its pool. */
  readonly host: string;
  readonly executor: Executor;
}

/** The engine that a container names, on the executor's host. */
export function engineOn(executor: Executor, { runtime }: ContainerSpec): Engine {
  return { runtime, host: executor.host, executor };
}

/** The client's command line. */
export function engineCommand({ runtime }: Engine, args: readonly string[]): Command {
  return { file: runtime, args };
}

/** Runs one short command of the client. */
export function ask(engine: Engine, args: readonly string[], options?: RunOptions): Promise<Finished> {
  return engine.executor.run(engineCommand(engine, args), options);
}

/** The engine's own last words about what went wrong, without its advice on usage. */
export function saidBy({ exit, stderr }: Finished): string {
  const lines = stderr.split(/\r?\n/).filter((line) => line.trim() !== '' && !NOISE.test(line));
  if (exit.kind === 'exited' && lines.length > 0) return lines.slice(-SAID_LINES).join('\n');
  return [`the client ${describeExit(exit)}`, ...lines.slice(-SAID_LINES)].join('\n');
}

// Podman's client is the engine; docker's only talks to it.
const VERSION = { docker: '{{.Server.Version}}', podman: '{{.Client.Version}}' };

/** The engine with its version, `docker 28.0.1`; null when it does not answer. */
export async function runtimeVersion(engine: Engine): Promise<string | null> {
  const { exit, stdout } = await ask(engine, ['version', '--format', VERSION[engine.runtime]]);
  const version = stdout.trim();
  return isSuccess(exit) && version !== '' ? `${engine.runtime} ${version}` : null;
}

/** What the engine knows about how a container ended; lost when it does not answer, or when the container still runs. */
export async function exitOf(engine: Engine, id: string): Promise<Exit> {
  const answer = await ask(engine, ['container', 'inspect', '--format', '{{json .State}}', id]);
  if (!isSuccess(answer.exit)) {
    return { kind: 'lost', reason: `${engine.runtime} on ${engine.host} does not tell: ${saidBy(answer)}` };
  }
  const state = JSON.parse(answer.stdout) as { Status: string; ExitCode: number; OOMKilled: boolean };
  if (!OVER.includes(state.Status)) {
    return { kind: 'lost', reason: `its output broke off while it was ${state.Status}` };
  }
  return { kind: 'exited', code: state.ExitCode, ...(state.OOMKilled ? { isOutOfMemory: true } : {}) };
}

/** The ids of a run's containers, or without a run of all that carry our label; null when the engine does not answer. */
export async function findContainers(engine: Engine, runId?: string): Promise<readonly string[] | null> {
  const label = runId === undefined ? CONTAINER_LABEL : `${CONTAINER_LABEL}=${runId}`;
  const answer = await ask(engine, ['ps', '--all', '--quiet', '--no-trunc', '--filter', `label=${label}`]);
  return isSuccess(answer.exit) ? answer.stdout.split(/\s+/).filter((id) => id !== '') : null;
}

/** Ends and removes these containers and their anonymous volumes, unless they are gone or not ours. */
export async function removeContainers(engine: Engine, ids: readonly string[]): Promise<void> {
  const ours = await oursAmong(engine, ids);
  if (ours.length === 0) return;
  // Without it, podman first waits ten seconds for the program to end by itself.
  const atOnce = engine.runtime === 'podman' ? ['--time', '0'] : [];
  const removal = await ask(engine, ['rm', '--force', '--volumes', ...atOnce, ...ours], {
    timeoutMs: ENGINE_TIMEOUT_MS,
  });
  // Somebody else may have removed them at the same moment: only what is left counts.
  const left = isSuccess(removal.exit) ? [] : await oursAmong(engine, ours);
  if (left.length === 0) return;
  throw new AssayError(
    'TEARDOWN_FAILED',
    `${engine.runtime} on ${engine.host} could not remove ${left.join(', ')}: ${saidBy(removal)}`,
    { hint: `remove it by hand there: ${engine.runtime} rm --force ${left.join(' ')}` },
  );
}

async function oursAmong(engine: Engine, ids: readonly string[]): Promise<readonly string[]> {
  if (ids.length === 0) return [];
  const ours = await findContainers(engine);
  if (ours !== null) return ids.filter((id) => ours.includes(id));
  throw new AssayError(
    'TEARDOWN_FAILED',
    `${engine.runtime} on ${engine.host} does not answer: ${ids.join(', ')} may still be there`,
    { hint: `start ${engine.runtime} there again, then run: assay reap` },
  );
}
