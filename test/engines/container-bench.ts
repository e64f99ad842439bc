import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import type { ContainerSpec } from '../../src/config/schema/container.ts';
import { noSecrets } from '../../src/core/scrubber.ts';
import { inContainer } from '../../src/exec/container.ts';
import type { Command, Executor, Labelled, RunningProcess, StartOptions } from '../../src/exec/executor.ts';
import { localExecutor } from '../../src/exec/local.ts';
import type { TestEngine } from './docker-engine.ts';
import { importImage } from './image.ts';

export const IMAGE = 'assay-test:1';

/** A container engine with a small image in it, and an executor that starts containers there. */
export interface Bench {
  readonly engine: TestEngine;
  readonly folder: string;
  readonly imageId: string;
  /** Every command that reached the host, as text. */
  readonly commands: readonly string[];
  readonly spec: (changes?: Partial<ContainerSpec>) => ContainerSpec;
  readonly executor: (changes?: Partial<ContainerSpec>) => Executor;
  readonly start: (
    command: Command,
    options?: Partial<StartOptions>,
    changes?: Partial<ContainerSpec>,
  ) => Promise<Role>;
  /** What the engine's client prints for these arguments. */
  readonly client: (...args: readonly string[]) => Promise<string>;
  readonly close: () => Promise<void>;
}

/** A process of the bench, and where its log lies. */
export interface Role {
  readonly process: RunningProcess;
  readonly runId: string;
  readonly containerId: string;
  readonly log: () => string;
}

/** Starts the engine and lets this process, and so its executors, reach it. */
export async function openBench(runtime: ContainerSpec['runtime'], open: () => Promise<TestEngine>): Promise<Bench> {
  const engine = await open();
  Object.assign(process.env, engine.env);
  const imageId = await importImage(runtime, engine, { name: IMAGE, content: 'shell' });
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  const commands: string[] = [];
  const spec = (changes: Partial<ContainerSpec> = {}): ContainerSpec => ({
    image: IMAGE,
    runtime,
    pull: 'never',
    env: {},
    mounts: [],
    devices: [],
    ...changes,
  });
  const executor = (changes?: Partial<ContainerSpec>): Executor =>
    inContainer(recorded(localExecutor('here'), commands), spec(changes));
  let count = 0;
  return {
    engine,
    folder,
    imageId,
    commands,
    spec,
    executor,
    start: async (command, options = {}, changes = {}) => {
      count += 1;
      const logFile = join(folder, `${count}.log`);
      const runId = options.runId ?? `run-${count}-${randomUUID().slice(0, 8)}`;
      const all = { runId, role: 'server', logFile, scrubber: noSecrets, secrets: {}, ...options };
      const process = await executor(changes).start(command, all);
      if (process.id.kind !== 'container') throw new Error('not a container');
      return { process, runId, containerId: process.id.id, log: () => readFileSync(logFile, 'utf8') };
    },
    client: async (...args) => (await execa(runtime, args)).stdout.trim(),
    close: () => engine.close(),
  };
}

/** A shell script as a command of the image. */
export function shell(script: string, more: Partial<Command> = {}): Command {
  return { file: '/bin/sh', args: ['-c', script], ...more };
}

/** Settles when a process has printed a line that contains the text. */
export async function printed(process: RunningProcess, text: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const stop = process.onLine((line) => line.includes(text) && done());
    const done = (): void => {
      stop();
      resolve();
    };
    if (process.tail(200).some((line) => line.includes(text))) done();
    void process.exited.then(() => reject(new Error(`it ended first:\n${process.tail(20).join('\n')}`)));
  });
}

/** The ids of the containers among what was found. */
export function containersOf(found: readonly Labelled[] | null): readonly string[] {
  return (found ?? []).flatMap((item) => (item.kind === 'container' ? [item.id] : []));
}

function recorded(inner: Executor, commands: string[]): Executor {
  return {
    ...inner,
    run: (command, options) => {
      commands.push(JSON.stringify(command));
      return inner.run(command, options);
    },
    start: (command, options) => {
      commands.push(JSON.stringify(command));
      return inner.start(command, options);
    },
  };
}
