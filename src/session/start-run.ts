import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dump } from 'js-yaml';
import { v7 as uuidv7 } from 'uuid';
import type { RoleHosts } from '../config/identity.ts';
import { MANIFEST_VERSION } from '../evidence/manifest.ts';
import type { Manifest } from '../evidence/manifest.ts';
import { runFolder } from '../evidence/run-folder.ts';
import { createRun, fingerprintSidecars, writeManifest } from '../evidence/run-writer.ts';
import type { RunRequest } from '../lifecycle/adapter.ts';
import type { PlannedCell } from './plan.ts';
import { tagsOfCell } from './planned-claim.ts';
import type { Skip } from './skip.ts';

/** Makes the run directory of a bound cell and everything its job host must know. */
export function startRun(planned: PlannedCell, hosts: RoleHosts, artifacts: string): RunRequest {
  const request = newRequest(planned, hosts, artifacts);
  const { folder } = request;
  createRun(folder, { manifest: firstManifest(request), resolvedConfig: resolvedConfig(request) });
  return request;
}

/** Leaves a run directory that says why a cell was not run: status `skipped`, the reason, the config. */
export async function recordSkip(planned: PlannedCell, skip: Skip, artifacts: string): Promise<void> {
  const request = newRequest(planned, {}, artifacts);
  const { folder } = request;
  const first = firstManifest(request);
  const manifest: Manifest = {
    ...first,
    status: 'skipped',
    skip: { ...skip },
    tags: tagsOfCell(planned).map(({ name }) => name),
    timestamp_end: first.timestamp_start,
  };
  createRun(folder, { manifest, resolvedConfig: resolvedConfig(request) });
  writeManifest(folder, { ...manifest, sidecars: await fingerprintSidecars(folder, {}) });
}

function newRequest({ cell, identity }: PlannedCell, hosts: RoleHosts, artifacts: string): RunRequest {
  const runId = uuidv7();
  const folder = runFolder(artifacts, {
    testId: cell.workload.test_id,
    cellId: cell.cellId,
    workloadHash: identity.workloadHash,
    runId,
  });
  return { cell, hosts, identity, runId, folder, artifacts };
}

function firstManifest({ cell, hosts, identity, runId }: RunRequest): Manifest {
  const { workload } = cell;
  return {
    schema_version: MANIFEST_VERSION,
    run_id: runId,
    test_id: workload.test_id,
    cell_id: cell.cellId,
    config_hash: identity.configHash,
    workload_hash: identity.workloadHash,
    verification_hash: identity.verificationHash,
    experiment_id: identity.experimentId,
    tool,
    git_sha: gitSha(cell.configFolder),
    timestamp_start: new Date().toISOString(),
    timestamp_end: null,
    hosts: [],
    framework_versions: {},
    framework: workload.framework,
    workload_kind: workload.workload_kind,
    target_gpu: workload.target_gpu,
    config_file: cell.configFile,
    model_descriptor: { ...workload.model },
    knobs: { ...workload.knobs },
    params: { ...cell.params },
    axes: { ...cell.axes },
    bindings: Object.fromEntries(Object.entries(hosts).map(([role, names]) => [role, [...names]])),
    tags: cell.tags.map(({ name }) => name),
    launches: [],
    phases: {},
    status: 'running',
    failure: null,
    skip: null,
    interruption: null,
    teardown: null,
    verdicts: [],
    result: { scalars: {}, applied: {}, measured: { started_at_ms: null, duration_ms: null } },
    resources: {},
    sidecars: {},
  };
}

function resolvedConfig({ cell, hosts }: RunRequest): string {
  const { sweep: _sweep, thresholds: _thresholds, ...workload } = cell.workload;
  return dump({
    ...workload,
    cell_id: cell.cellId,
    axes: cell.axes,
    params: cell.params,
    topology: cell.topology,
    bindings: hosts,
    thresholds: cell.thresholds.map(({ threshold }) => threshold),
  });
}

const packageSchema = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  readonly name: string;
  readonly version: string;
};
const tool = { name: packageSchema.name, version: packageSchema.version };

const gitShas = new Map<string, string | null>();

/** The commit of the repository that holds the config; null outside of one. */
function gitSha(folder: string): string | null {
  const known = gitShas.get(folder);
  if (known !== undefined) return known;
  const sha = readGitSha(folder);
  gitShas.set(folder, sha);
  return sha;
}

function readGitSha(folder: string): string | null {
  try {
    return execFileSync('git', ['rev-parse', 'HEAD'], { cwd: folder, stdio: ['ignore', 'pipe', 'ignore'] })
      .toString()
      .trim();
  } catch {
    return null;
  }
}
