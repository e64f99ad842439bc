import { normaliseTag } from '../../config/tags.ts';
import { PHASES } from '../failure.ts';
import type { Manifest } from '../manifest.ts';

/** One run as one flat row: its identity, axes, knobs, figures and verdicts by their column names. */
export type Fact = Readonly<Record<string, FactValue>>;

/** What a column of a fact row holds; null means not measured, or not of this run. */
export type FactValue = string | number | boolean | null;

/** Raised when the columns of `factOf` change: rows that were made before are made again from their manifests. */
export const FACT_VERSION = '1';

/** The SQL type of a column of the fact table. */
export type FactType = 'VARCHAR' | 'DOUBLE' | 'BOOLEAN' | 'TIMESTAMP';

const IDENTITY = {
  run_id: 'VARCHAR',
  manifest_stamp: 'VARCHAR',
  test_id: 'VARCHAR',
  cell_id: 'VARCHAR',
  experiment_id: 'VARCHAR',
  framework: 'VARCHAR',
  model: 'VARCHAR',
  model_id: 'VARCHAR',
  gpu: 'VARCHAR',
  workload_kind: 'VARCHAR',
  topology: 'VARCHAR',
  config_hash: 'VARCHAR',
  workload_hash: 'VARCHAR',
  verification_hash: 'VARCHAR',
  git_sha: 'VARCHAR',
  cvs_git_sha: 'VARCHAR',
  tool_version: 'VARCHAR',
  tool_git_sha: 'VARCHAR',
  framework_image_digest: 'VARCHAR',
  provenance: 'VARCHAR',
  enforce: 'BOOLEAN',
  status: 'VARCHAR',
  failure_category: 'VARCHAR',
  timestamp_start: 'TIMESTAMP',
  timestamp_end: 'TIMESTAMP',
  duration_s: 'DOUBLE',
  hosts: 'VARCHAR',
  path: 'VARCHAR',
} as const satisfies Readonly<Record<string, FactType>>;

/** The columns that every row has, in their order, with their types; `manifest_stamp` is what the row was made from. */
export const FIXED_COLUMNS: ReadonlyMap<string, FactType> = new Map<string, FactType>([
  ...Object.entries(IDENTITY),
  ...PHASES.map((phase) => [`${phase}_s`, 'DOUBLE'] as const),
]);

/**
 * The row of a run; `path` is its directory relative to the artifact directory. Column names are lower-case, as SQL
 * tells no cases apart. A figure with the name of another column has the prefix `scalar_`.
 */
export function factOf(manifest: Manifest, path: string): Fact {
  // No prototype: whatever a figure is called, it is only a column.
  const fact = Object.create(null) as Record<string, FactValue>;
  const add = (prefix: string, values: Readonly<Record<string, FactValue>>): void => {
    for (const name of Object.keys(values)) fact[prefix + columnName(name)] = wellFormed(values[name] ?? null);
  };
  add('', identityOf(manifest, path));
  for (const phase of PHASES) fact[`${phase}_s`] = manifest.phases[phase]?.duration_s ?? null;
  add('framework_version_', manifest.framework_versions);
  add('axis_', manifest.axes);
  add('knob_', manifest.knobs);
  for (const { benchmark, actual, expected, margin, passed } of manifest.verdicts) {
    add(`${columnName(benchmark)}_`, { actual, expected, margin, passed });
  }
  for (const [scalar, value] of Object.entries(manifest.result.scalars)) {
    const name = columnName(scalar);
    const isTaken = FIXED_COLUMNS.has(name) || OPEN_COLUMN.test(name) || name in fact;
    fact[isTaken ? `scalar_${name}` : name] = value;
  }
  return fact;
}

const OPEN_COLUMN = /^(?:framework_version|axis|knob)_|^$/;

type IdentityColumn = Exclude<keyof typeof IDENTITY, 'manifest_stamp'>;

function identityOf(manifest: Manifest, path: string): Readonly<Record<IdentityColumn, FactValue>> {
  return {
    run_id: manifest.run_id,
    test_id: manifest.test_id,
    cell_id: manifest.cell_id,
    experiment_id: manifest.experiment_id,
    framework: manifest.framework,
    ...modelOf(manifest),
    gpu: manifest.target_gpu,
    workload_kind: manifest.workload_kind,
    topology: topologyOf(manifest),
    config_hash: manifest.config_hash,
    workload_hash: manifest.workload_hash,
    verification_hash: manifest.verification_hash,
    git_sha: manifest.git_sha,
    cvs_git_sha: manifest.git_sha,
    tool_version: manifest.tool.version,
    tool_git_sha: manifest.tool.git_sha,
    framework_image_digest: manifest.framework_image_digest ?? manifest.container?.digest ?? null,
    provenance: manifest.imported === null ? 'launched' : 'imported',
    enforce: manifest.enforce,
    status: manifest.status,
    failure_category: manifest.failure?.category ?? null,
    ...timesOf(manifest),
    hosts: manifest.hosts.map(({ hostname }) => hostname).join(','),
    path,
  };
}

/** As tags have it, and as it was written. */
function modelOf({ model_descriptor: { id } }: Manifest): Readonly<Record<'model' | 'model_id', FactValue>> {
  return typeof id === 'string' ? { model: normaliseTag(id), model_id: id } : { model: null, model_id: null };
}

function topologyOf({ tags }: Manifest): FactValue {
  return tags.find((tag) => tag.startsWith(TOPOLOGY_TAG))?.slice(TOPOLOGY_TAG.length) ?? null;
}

function timesOf(manifest: Manifest): Readonly<Record<'timestamp_start' | 'timestamp_end' | 'duration_s', FactValue>> {
  const [startMs, endMs] = [Date.parse(manifest.timestamp_start), Date.parse(manifest.timestamp_end ?? '')];
  const durationMs = endMs - startMs;
  return {
    timestamp_start: isoOf(startMs),
    timestamp_end: isoOf(endMs),
    duration_s: Number.isFinite(durationMs) ? durationMs / 1000 : null,
  };
}

const TOPOLOGY_TAG = 'topology_';

function isoOf(timeMs: number): string | null {
  return Number.isFinite(timeMs) ? new Date(timeMs).toISOString() : null;
}

// The same few names come in every run.
const columnNames = new Map<string, string>();

function columnName(text: string): string {
  const known = columnNames.get(text) ?? wellFormed(text.toLowerCase()).replaceAll(/\p{Cc}/gu, '_');
  columnNames.set(text, known);
  return known;
}

// Half a character is no text for most readers of JSON and Parquet.
function wellFormed<Value extends FactValue>(value: Value): Value | string {
  const mayBeHalf = typeof value === 'string' && /[\uD800-\uDFFF]/.test(value);
  return mayBeHalf ? value.replaceAll(/\p{Surrogate}/gu, '\uFFFD') : value;
}
