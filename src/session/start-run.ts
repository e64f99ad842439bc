import { dump } from 'js-yaml';
import { v7 as uuidv7 } from 'uuid';
import type { Cell } from '../config/cell.ts';
import { workloadInputs } from '../config/identity.ts';
import type { ContainerSpec } from '../config/schema/container.ts';
import { gitSha } from '../core/git-sha.ts';
import { scrubberOf } from '../core/scrubber.ts';
import type { Scrubber } from '../core/scrubber.ts';
import { presentSecrets } from '../core/secret.ts';
import { MANIFEST_VERSION, nothingYet } from '../evidence/manifest.ts';
import type { Manifest } from '../evidence/manifest.ts';
import { runFolder } from '../evidence/run-folder.ts';
import { createRun, fingerprintSidecars, writeManifest } from '../evidence/run-writer.ts';
import type { RunRequest } from '../lifecycle/adapter.ts';
import { hostsSpecOf } from './hosts-spec.ts';
import { invokerOf } from './invoker.ts';
import type { PlannedCell, SessionPlan } from './plan.ts';
import { tagsOfCell } from './planned-claim.ts';
import type { Skip } from './skip.ts';
import { toolFacts } from './tool.ts';

/** Everything that the job host of a bound cell must know; its run directory is still to be made. */
export function newRun(planned: PlannedCell, place: RunPlace): RunRequest {
  const runId = uuidv7();
  const { cell, identity, inputs } = planned;
  const folder = runFolder(place.artifacts, {
    testId: cell.workload.test_id,
    cellId: cell.cellId,
    workloadHash: identity.workloadHash,
    runId,
  });
  return { cell, identity, workloadInputs: workloadInputs(cell, inputs), runId, folder, ...place };
}

/** Where a run happens. */
export type RunPlace = Pick<RunRequest, 'hosts' | 'on' | 'artifacts'>;

/** Makes the run directory of a request. */
export function startRun(request: RunRequest): void {
  const content = { manifest: firstManifest(request), resolvedConfig: resolvedConfig(request) };
  createRun(request.folder, content, scrubberFor(request.cell));
}

// A secret that is not there cannot get anywhere: what is missing is for the job host to say.
function scrubberFor({ workload }: Cell): Scrubber {
  return scrubberOf(Object.values(presentSecrets(workload.secrets, process.env)));
}

/** Leaves a run directory that says why a cell was not run: status `skipped`, the reason, the config. */
export async function recordSkip(
  planned: PlannedCell,
  skip: Skip,
  { artifacts, pool }: Pick<SessionPlan, 'artifacts' | 'pool'>,
): Promise<void> {
  const request = newRun(planned, {
    hosts: {},
    on: hostsSpecOf(planned.cell, {}, { pool, session: '', mayBeFollowed: false }),
    artifacts,
  });
  const { folder } = request;
  const first = firstManifest(request);
  const manifest: Manifest = {
    ...first,
    status: 'skipped',
    skip: { ...skip },
    tags: tagsOfCell({ ...planned, skip }).map(({ name }) => name),
    timestamp_end: first.timestamp_start,
  };
  const scrubber = scrubberFor(planned.cell);
  createRun(folder, { manifest, resolvedConfig: resolvedConfig(request) }, scrubber);
  writeManifest(folder, { ...manifest, sidecars: await fingerprintSidecars(folder, {}) }, scrubber);
}

function firstManifest(request: RunRequest): Manifest {
  const { cell, hosts, on, identity, runId } = request;
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
    tool: toolFacts(),
    git_sha: gitSha(cell.configFolder),
    invoker: invokerOf(process.argv, process.env),
    imported: null,
    timestamp_start: new Date().toISOString(),
    timestamp_end: null,
    hosts: [],
    framework_versions: {},
    executor: { kind: on.reach.executor, allocation: null },
    container: containerFacts(workload.container),
    framework_image_digest: workload.container?.digest ?? null,
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
    workload_inputs: { ...request.workloadInputs },
    enforce: workload.enforce,
    ...nothingYet(),
  };
}

function containerFacts(container: ContainerSpec | undefined): Manifest['container'] {
  if (container === undefined) return null;
  const { image, digest = null, runtime } = container;
  return { image, digest, runtime };
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
