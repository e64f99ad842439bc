import { dump } from 'js-yaml';
import type { Origin } from '../../adapters/shared/results/result-run.ts';
import type { CellThreshold } from '../../config/cell.ts';
import { experimentId, verificationHash, workloadInputs } from '../../config/identity.ts';
import type { Scalar } from '../../config/schema/framework.ts';
import { normaliseTag } from '../../config/tags.ts';
import { gitSha } from '../../core/git-sha.ts';
import { hashOf } from '../../core/hash.ts';
import { MANIFEST_VERSION, nothingYet } from '../../evidence/manifest.ts';
import type { Manifest } from '../../evidence/manifest.ts';
import { patternCatalogue } from '../../lifecycle/patterns.ts';
import { verdictEngineVersion } from '../../verdicts/evaluate.ts';
import { invokerOf } from '../invoker.ts';
import type { PlannedCell } from '../plan.ts';
import { toolFacts } from '../tool.ts';

/** What the user says of a file that no config describes. */
export interface ImportNames {
  readonly testId: string | null;
  readonly framework: string | null;
  readonly model: string | null;
  readonly gpu: string | null;
  readonly knobs: Readonly<Record<string, Scalar>>;
  readonly axes: Readonly<Record<string, Scalar>>;
}

/** What an imported run is a run of, and what it is judged by. */
export interface ImportedIdentity {
  /** Everything that the manifest says of the workload. */
  readonly facts: Pick<
    Manifest,
    | 'test_id'
    | 'cell_id'
    | 'config_hash'
    | 'workload_hash'
    | 'workload_inputs'
    | 'verification_hash'
    | 'experiment_id'
    | 'git_sha'
    | 'framework'
    | 'workload_kind'
    | 'target_gpu'
    | 'config_file'
    | 'model_descriptor'
    | 'knobs'
    | 'params'
    | 'axes'
    | 'tags'
    | 'container'
  >;
  readonly thresholds: readonly CellThreshold[];
  readonly enforce: boolean;
  /** The resolved config, a YAML text. */
  readonly resolvedConfig: string;
}

/** An imported run as one of a cell: the config says what it is, and judges it. */
export function identityInCell({ cell, identity, inputs }: PlannedCell, { image }: Origin): ImportedIdentity {
  const { sweep: _sweep, thresholds: _thresholds, ...workload } = cell.workload;
  const hashed = {
    // Whatever else is the same: it never stands in for a run that was launched.
    provenance: 'imported',
    ...workloadInputs(cell, { ...inputs, bindings: {}, engine: null, imageDigest: null }),
  };
  const thresholds = cell.thresholds.map(({ threshold }) => threshold);
  const shared = { cell_id: cell.cellId, axes: { ...cell.axes }, params: { ...cell.params } };
  return {
    facts: {
      ...shared,
      test_id: workload.test_id,
      config_hash: identity.configHash,
      workload_hash: hashOf(hashed),
      workload_inputs: hashed,
      verification_hash: identity.verificationHash,
      experiment_id: identity.experimentId,
      git_sha: gitSha(cell.configFolder),
      framework: workload.framework,
      workload_kind: workload.workload_kind,
      target_gpu: workload.target_gpu,
      config_file: cell.configFile,
      model_descriptor: { ...workload.model },
      knobs: { ...workload.knobs },
      tags: cell.tags.map(({ name }) => name),
      container: containerOf(image),
    },
    thresholds: cell.thresholds,
    // What nobody judges has not passed.
    enforce: workload.enforce && thresholds.length > 0,
    resolvedConfig: dump({ ...workload, ...shared, topology: cell.topology, bindings: {}, thresholds }),
  };
}

/** An imported run by what its file and the user say of it. Nothing judges it. */
export function identityByNames(origin: Origin, names: ImportNames): ImportedIdentity {
  const framework = names.framework ?? origin.framework ?? 'unknown';
  const model = names.model ?? origin.model ?? 'unknown';
  const gpu = names.gpu ?? origin.gpu ?? 'unknown';
  const axes = { ...origin.axes, ...names.axes };
  const params = { ...origin.params, ...names.axes };
  const knobs = { ...origin.knobs, ...names.knobs };
  const testId = names.testId ?? ['imported', framework, model].map(normaliseTag).join('_');
  const hashed = { provenance: 'imported', framework, model: { id: model }, target_gpu: gpu, knobs, params, axes };
  const shared = { test_id: testId, framework, target_gpu: gpu, knobs, params, axes, cell_id: cellIdOf(axes) };
  const config = { ...shared, workload_kind: 'inference' as const, model: { id: model }, thresholds: [] };
  return {
    facts: {
      ...shared,
      config_hash: hashOf(config),
      workload_hash: hashOf(hashed),
      workload_inputs: hashed,
      verification_hash: UNJUDGED,
      experiment_id: experimentId({ ...shared, model: { id: model } }),
      git_sha: null,
      workload_kind: 'inference',
      config_file: '',
      model_descriptor: { id: model },
      tags: tagsOf(shared, model),
      container: containerOf(origin.image),
    },
    thresholds: [],
    enforce: false,
    resolvedConfig: dump({ ...config, provenance: 'imported' }),
  };
}

/** The verification hash of every cell without thresholds. */
const UNJUDGED = verificationHash([], { patterns: patternCatalogue, verdictEngineVersion });

const AXIS_TOKENS: Readonly<Record<string, string>> = {
  concurrency: 'conc',
  request_rate: 'rate',
  tensor_parallelism: 'tp',
  pipeline_parallelism: 'pp',
  data_parallelism: 'dp',
  num_prompts: 'prompts',
};

/** `isl1024_osl1024-conc16`, as a sweep over the lengths and the load names its cells. */
function cellIdOf({ isl, osl, ...others }: Readonly<Record<string, Scalar>>): string {
  const lengths = [isl === undefined ? '' : `isl${isl}`, osl === undefined ? '' : `osl${osl}`];
  const tokens = Object.entries(others).map(([axis, value]) => `${AXIS_TOKENS[axis] ?? axis}${value}`);
  const parts = [lengths.filter((length) => length !== '').join('_'), ...tokens].filter((part) => part !== '');
  // It names a folder.
  return (
    parts
      .join('-')
      .replaceAll(/[^A-Za-z0-9_.-]+/g, '_')
      .replace(/^[^A-Za-z0-9]+/, '') || 'default'
  );
}

type Named = Pick<Manifest, 'framework' | 'target_gpu' | 'knobs' | 'test_id' | 'cell_id'>;

function tagsOf(
  { framework, target_gpu: gpu, knobs, test_id: testId, cell_id: cellId }: Named,
  model: string,
): string[] {
  const tags = [
    ['framework', framework],
    ['model', model],
    ['workload', 'inference'],
    ['gpu', gpu],
    ...Object.entries(knobs).map(([key, value]) => [`knob_${key}`, String(value)]),
    ['config', testId],
    ['cell', cellId],
  ];
  return tags.map(([family = '', value = '']) => `${normaliseTag(family)}_${normaliseTag(value)}`);
}

// The tag is what the file knows; with which runtime it ran it does not say.
function containerOf(image: string | null): Manifest['container'] {
  return image === null ? null : { image, digest: null, runtime: 'unknown' };
}

/** What a manifest says of a run of which nothing was launched here, before it is read and judged. */
export function importedManifest(
  { facts, enforce }: ImportedIdentity,
  run: Pick<Manifest, 'run_id' | 'imported' | 'timestamp_start' | 'timestamp_end'>,
): Manifest {
  return {
    ...nothingYet(),
    schema_version: MANIFEST_VERSION,
    ...run,
    ...facts,
    tool: toolFacts(),
    invoker: invokerOf(process.argv, process.env),
    hosts: [],
    framework_versions: {},
    executor: { kind: 'local', allocation: null },
    framework_image_digest: null,
    bindings: {},
    launches: [],
    enforce,
    status: 'recorded',
    // None came while a workload ran: all of them can be read again.
    captured_rows: { samples: 0, trajectory: 0 },
  };
}
