import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hashOf, hashOfFile } from '../../core/hash.ts';
import { messageOf } from '../../core/errors.ts';
import { WorkloadFailure } from '../../evidence/failure.ts';
import type { RunRequest } from '../../lifecycle/adapter.ts';
import type { RolePlan } from '../../lifecycle/launch.ts';
import { llamaCppParams } from './params.ts';
import { serverArgv } from './server-argv.ts';

const SERVER = fileURLToPath(new URL('./server-main.js', import.meta.url));
const PACKAGE = fileURLToPath(new URL('../../..', import.meta.url));

/** The role that serves the model. */
export const SERVER_ROLE = 'server';

/** Decides what to start for a cell. Rejects with a setup_failure when its model cannot be used. */
export async function planServer(request: RunRequest): Promise<RolePlan> {
  const { cell, on } = request;
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
  const options = { model: path, modelSha256, alias: model.id, ctxSize, parallel, threads, seed, port };
  if (knobs['backend'] === 'llama-server') return planLlamaServer(request, options);
  // Its image has a node of its own; on a host of ours this one is known to work.
  const node = on.container === null ? process.execPath : 'node';
  return {
    ...SERVER_PLAN,
    command: ({ address }) => ({
      file: node,
      args: [SERVER, ...serverArgv({ ...options, host: address })],
      reads: [path, ...engineFolders()],
    }),
    readiness: { kind: 'http', url: (server) => announcedUrl(server.tail(ALL_LINES)), path: '/health' },
  };
}

const SERVER_PLAN = { role: SERVER_ROLE, after: [] };
const ALL_LINES = Number.MAX_SAFE_INTEGER;

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
async function planLlamaServer(request: RunRequest, options: LlamaServerOptions): Promise<RolePlan> {
  const { model, modelSha256, alias, ctxSize, parallel, threads, seed } = options;
  if (modelSha256 !== undefined) await checkDigest(model, modelSha256);
  const port = options.port === 0 ? await choosePort(request) : options.port;
  let url = '';
  return {
    ...SERVER_PLAN,
    command: ({ address }) => {
      url = urlOf(address, port);
      const flags = { model, alias, host: address, port, 'ctx-size': ctxSize * parallel, parallel, threads, seed };
      const args = Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, String(value)]);
      return { file: 'llama-server', args: [...args, '--metrics'], reads: [model] };
    },
    readiness: { kind: 'http', url: () => url, path: '/health' },
  };
}

function urlOf(address: string, port: number): string {
  return `http://${address.includes(':') ? `[${address}]` : address}:${port}`;
}

/** What the embedded engine loads itself from: this package, and wherever its dependencies were installed. */
function engineFolders(): readonly string[] {
  const engine = fileURLToPath(import.meta.resolve('node-llama-cpp'));
  const [installed = ''] = engine.split(`${sep}node_modules${sep}`);
  return [...new Set([PACKAGE, join(installed, 'node_modules')])];
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

// Of another host nobody knows which ports are free: one that hardly anything uses, the same for every cell of a config.
function choosePort({ cell, on }: RunRequest): Promise<number> {
  if (on.reach.executor === 'local') return freePort();
  return Promise.resolve(20_000 + (Number.parseInt(hashOf(cell.workload.test_id).slice(-6), 16) % 10_000));
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((listening) => probe.listen(0, '127.0.0.1', listening));
  const { port } = probe.address() as AddressInfo;
  await new Promise((closed) => probe.close(closed));
  return port;
}
