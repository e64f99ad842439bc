import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { request } from 'undici';
import type { Cell } from '../../config/cell.ts';
import { hashOfFile } from '../../core/hash.ts';
import { messageOf } from '../../core/errors.ts';
import { WorkloadFailure } from '../../evidence/failure.ts';
import type { Command, RunningProcess } from '../../exec/executor.ts';
import { llamaCppParams } from './params.ts';
import { serverArgv } from './server-argv.ts';

const SERVER = fileURLToPath(new URL('./server-main.js', import.meta.url));
const HOST = '127.0.0.1';

/** A server to start, and how to learn where it listens. */
export interface ServerPlan {
  readonly command: Command;
  /** The address, once the server has said it; known beforehand for a server that takes a fixed port. */
  readonly baseUrl: (process: RunningProcess) => string | null;
}

/** Decides what to start for a cell. Rejects with a setup_failure when its model cannot be used. */
export async function planServer(cell: Cell): Promise<ServerPlan> {
  const { model, knobs, seed, target_gpu: gpu } = cell.workload;
  if (gpu !== 'cpu') {
    throw new WorkloadFailure(
      'setup_failure',
      `target_gpu is ${gpu}, but llama_cpp runs on the CPU - write target_gpu: cpu`,
    );
  }
  if (model.path === undefined) {
    throw new WorkloadFailure('setup_failure', `model ${model.id} has no path - add \`path:\` of a GGUF file`);
  }
  const path = resolve(cell.configFolder, model.path);
  const { max_model_length: ctxSize, parallel_slots: parallel, threads, port } = llamaCppParams.parse(cell.params);
  const modelSha256 = model.sha256?.replace('sha256:', '');
  const options = { model: path, modelSha256, alias: model.id, host: HOST, ctxSize, parallel, threads, seed };
  if (knobs['backend'] === 'llama-server')
    return planLlamaServer({ ...options, port: port === 0 ? await freePort() : port });
  return {
    command: { file: process.execPath, args: [SERVER, ...serverArgv({ ...options, port })] },
    baseUrl: (server) => announcedUrl(server.tail(200)),
  };
}

interface LlamaServerOptions {
  readonly model: string;
  readonly modelSha256: string | undefined;
  readonly alias: string;
  readonly port: number;
  readonly ctxSize: number;
  readonly parallel: number;
  readonly threads: number;
  readonly seed: number;
}

/** The upstream `llama-server` shares its context among the slots, and checks no digest: we do. */
async function planLlamaServer(options: LlamaServerOptions): Promise<ServerPlan> {
  const { model, modelSha256, alias, port, ctxSize, parallel, threads, seed } = options;
  if (modelSha256 !== undefined) await checkDigest(model, modelSha256);
  const flags = {
    model,
    alias,
    host: HOST,
    port,
    'ctx-size': ctxSize * parallel,
    parallel,
    threads,
    seed,
  };
  const args = Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, String(value)]);
  return {
    command: { file: 'llama-server', args: [...args, '--metrics'] },
    baseUrl: () => `http://${HOST}:${port}`,
  };
}

async function checkDigest(path: string, expected: string): Promise<void> {
  const actual = await hashOfFile(path).catch((thrown: unknown) => {
    throw new WorkloadFailure('setup_failure', `the model cannot be read: ${messageOf(thrown)}`);
  });
  if (actual === `sha256:${expected}`) return;
  throw new WorkloadFailure('setup_failure', `${path} has ${actual}, the config expects sha256:${expected}`);
}

function announcedUrl(lines: readonly string[]): string | null {
  return lines.map((line) => /listening on (http:\S+)/.exec(line)?.[1]).find((url) => url !== undefined) ?? null;
}

/** Whether the server at this address says it is ready. */
export async function isHealthy(baseUrl: string): Promise<boolean> {
  try {
    const { statusCode, body } = await request(`${baseUrl}/health`, { signal: AbortSignal.timeout(2000) });
    await body.dump();
    return statusCode === 200;
  } catch {
    return false;
  }
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((listening) => probe.listen(0, HOST, listening));
  const { port } = probe.address() as AddressInfo;
  await new Promise((closed) => probe.close(closed));
  return port;
}
