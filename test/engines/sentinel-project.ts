import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readManifest } from '../../src/evidence/run-reader.ts';
import { Project, REPOSITORY } from '../e2e/project.ts';
import { declared, holding } from './sentinel-secrets.ts';
import type { Sentinel } from './sentinel-secrets.ts';

const PROGRAM = join(import.meta.dirname, 'leaky-server.mjs');

/** How the stand-in server ends, by the model it serves, and what a run of it is then. */
export const ENDS = {
  crashing: { status: 'failed_setup', phase: 'launch' },
  undescribed: { status: 'failed_setup', phase: 'launch' },
  garbled: { status: 'failed_setup', phase: 'launch' },
  serving: { status: 'failed_verification', phase: 'verify' },
  refusing: { status: 'failed_safety', phase: 'await' },
  pattern: { status: 'failed_pattern', phase: 'await' },
} as const;

export type End = keyof typeof ENDS;

/** Puts a `llama-server` that shows its secrets into a folder of its own; answers the folder. */
export function installLeakyServer(node: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'leaky-'));
  const script = join(folder, 'llama-server');
  writeFileSync(script, `#!/bin/sh\nexec ${node} ${PROGRAM} "$@"\n`);
  chmodSync(script, 0o755);
  return folder;
}

/** What a container must see to run it. */
export function mountsOf(folder: string): readonly string[] {
  return [`${folder}/llama-server:/bin/llama-server:ro`, `${PROGRAM}:${PROGRAM}:ro`];
}

/** A config whose workload gets the secrets. */
export function leakyConfig(end: End, sentinels: readonly Sentinel[], more = ''): string {
  return `schema_version: "2"
test_id: ${end}
target_gpu: cpu
framework: llama_cpp
workload_kind: inference
topology: {roles: {server: {count: 1, selector: cpu}}}
model: {id: ${end}, path: ${join(REPOSITORY, 'fixtures/models/byte-llama.gguf')}}
dataset: {id: text, path: held-out.txt, window_length: 16}
seed: 1
knobs: {backend: llama-server}
params: {max_model_length: 256, num_prompts: 10, num_warmups: 1, isl: 16, osl: 4}
sweep: {concurrency: [2]}
benchmarks: [ttft_p99]
thresholds:
  - {kind: Percentile, metric: ttft_ms, percentile: 99, op: "<=", value: 0.000001}
timeouts: {launch: 2m, total: 2m}
secrets: ${declared(sentinels)}
${more}`;
}

/** A project whose cells end in each of these ways. */
export function leakyProject(
  sentinels: readonly Sentinel[],
  { ends, more = '', files = {}, env = {} }: LeakyOptions,
): Project {
  const configs = ends.map((end) => [`configs/${end}.yaml`, leakyConfig(end, sentinels, more)]);
  const all = { ...Object.fromEntries(configs), 'configs/held-out.txt': 'a text of some length', ...files };
  const project = new Project(all, { ...holding(sentinels), ...env });
  mkdirSync(join(project.root, 'reports'));
  return project;
}

interface LeakyOptions {
  readonly ends: readonly End[];
  /** Goes into every config. */
  readonly more?: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a project under every reporter; answers what the terminal shows. */
export async function runReported(project: Project): Promise<string> {
  const reporters = ['default', 'verbose', 'json', 'junit'].map((name) => `--reporter=${name}`);
  const files = ['json', 'junit'].map((name) => `--outputFile.${name}=${join(project.root, 'reports', name)}`);
  const { all } = await project.vitest('run', ...reporters, ...files);
  return all;
}

/** The runs of a project, by the way they end. */
export function runsOf(project: Project): ReadonlyMap<string, Run> {
  const runs = project.runFolders().map((folder) => ({ folder, manifest: readManifest(folder) }));
  return new Map(runs.map((run) => [run.manifest.test_id, run]));
}

export interface Run {
  readonly folder: string;
  readonly manifest: ReturnType<typeof readManifest>;
}

/** What the server of a run printed, as it was kept. */
export function serverLog({ folder }: Run): string {
  const logs = join(folder, 'logs');
  const names = readdirSync(logs).filter((name) => name.startsWith('server.'));
  return names.map((name) => readFileSync(join(logs, name), 'utf8')).join('');
}
