import { canonicalJson } from '../core/canonical-json.ts';
import { hashOf } from '../core/hash.ts';
import type { Sha256 } from '../core/hash.ts';
import { benchmarkOf } from './benchmark.ts';
import type { Cell } from './cell.ts';
import type { ContainerSpec } from './schema/container.ts';
import type { Workload } from './schema/schema.ts';
import type { Threshold } from './threshold.ts';

/** Role -> host names: which node plays which role in a cell. */
export type RoleHosts = Readonly<Record<string, readonly string[]>>;

/** The three hashes that say what was run, how it was judged, and what was written. */
export interface Identity {
  readonly workloadHash: Sha256;
  /**
   * Whether the workload hash still waits for the digest of the container's image. It is then never the
   * same as that of a run: plan shows it as pending.
   */
  readonly isPending: boolean;
  readonly verificationHash: Sha256;
  readonly configHash: Sha256;
  readonly experimentId: string;
}

/** A hash of what is in a file or folder that a config names; null where the config says it, or nobody can tell. */
export interface NamedFiles {
  readonly model: Sha256 | null;
  readonly dataset: Sha256 | null;
}

/** Packages by installed version; null for one that is not installed. */
export type EngineVersions = Readonly<Record<string, string | null>>;

/** What the hashes of a cell depend on besides the cell itself. */
export interface IdentityInputs {
  readonly bindings: RoleHosts;
  /** Bumped by an adapter when it changes what it launches. */
  readonly launchVersion: number;
  /** What does the work, where this installation brings it; null where it comes from elsewhere. */
  readonly engine: EngineVersions | null;
  /** The digest that a tag stands for on the bound node; null while nobody has looked. */
  readonly imageDigest: string | null;
  /** What the files hold that the config names; null where nothing is to be added to what the config says. */
  readonly files: NamedFiles | null;
  readonly verdictEngineVersion: number;
  /** The failure patterns a run is judged by. */
  readonly patterns: unknown;
}

/** The identity of a cell on its nodes: never the rest of the sweep, never a secret. */
export function identify(cell: Cell, inputs: IdentityInputs): Identity {
  const { container, model, knobs } = cell.workload;
  for (const part of [model, knobs, cell.topology, inputs.bindings]) writeOnce(part);
  return {
    workloadHash: hashOf(workloadInputs(cell, inputs), texts),
    isPending: container !== undefined && (pinnedDigest(container) ?? inputs.imageDigest) === null,
    verificationHash: verificationHash(cell.thresholds, inputs),
    ...ofWorkload(cell.workload),
  };
}

// Cells of a config share most of what they are hashed with: to write it once per cell would take seconds.
const texts = new WeakMap<object, string>();

function writeOnce(part: object): void {
  if (!texts.has(part)) texts.set(part, canonicalJson(part));
}

/** What a cell's workload hash is made of: everything that decides what is launched. */
export function workloadInputs(
  cell: Cell,
  { launchVersion, engine, bindings, imageDigest, files }: IdentityInputs,
): Readonly<Record<string, unknown>> {
  const { workload, params, topology } = cell;
  const { framework, model, dataset = null, knobs, seed, exclusive, container } = workload;
  return {
    framework,
    launch_version: launchVersion,
    ...(engine === null ? {} : { engine }),
    model,
    dataset,
    knobs,
    params,
    topology,
    seed,
    bindings,
    // Others on its nodes are part of what was measured.
    ...(exclusive ? {} : { exclusive }),
    ...(files === null ? {} : { files }),
    ...(container === undefined ? {} : containerInputs(container, imageDigest)),
  };
}

// When the image is fetched decides nothing about what runs.
function containerInputs(container: ContainerSpec, imageDigest: string | null): Readonly<Record<string, unknown>> {
  const { runtime, env, mounts, shm_size: shmSize = null, devices } = container;
  const digest = pinnedDigest(container) ?? imageDigest ?? container.image;
  return { image_digest: digest, runtime, env, mounts, shm_size: shmSize, devices };
}

/** The digest that a config pins its image to, by a field of its own or in the reference; null when it does not. */
function pinnedDigest({ image, digest }: ContainerSpec): string | null {
  return digest ?? /@(sha256:[0-9a-f]{64})$/.exec(image)?.[1] ?? null;
}

/** What a cell's verification hash is made of: everything that decides how a run is judged. */
function verificationInputs(
  thresholds: Cell['thresholds'],
  { patterns, verdictEngineVersion }: JudgingInputs,
): Readonly<Record<string, unknown>> {
  return {
    // In whatever order they are written, they judge alike.
    thresholds: Object.fromEntries(thresholds.map(({ threshold }) => [benchmarkOf(threshold), boundOf(threshold)])),
    patterns,
    verdict_engine_version: verdictEngineVersion,
  };
}

// Which other cells a threshold judges says nothing of how it judges this one.
function boundOf({ when: _when, benchmark: _benchmark, ...bound }: Threshold): unknown {
  return bound;
}

type JudgingInputs = Pick<IdentityInputs, 'patterns' | 'verdictEngineVersion'>;

interface KnownVerification extends JudgingInputs {
  readonly hash: Sha256;
}

// So they do their thresholds and their workload.
const verificationHashes = new WeakMap<Cell['thresholds'], KnownVerification>();
const identities = new WeakMap<Workload, Pick<Identity, 'configHash' | 'experimentId'>>();

/** The hash of how runs are judged by these thresholds. */
export function verificationHash(thresholds: Cell['thresholds'], inputs: JudgingInputs): Sha256 {
  const { patterns, verdictEngineVersion } = inputs;
  if (typeof patterns === 'object' && patterns !== null) writeOnce(patterns);
  const known = verificationHashes.get(thresholds);
  if (known?.patterns === patterns && known?.verdictEngineVersion === verdictEngineVersion) return known.hash;
  const hash = hashOf(verificationInputs(thresholds, inputs), texts);
  verificationHashes.set(thresholds, { patterns, verdictEngineVersion, hash });
  return hash;
}

/** The parts of an identity that all cells of a config have in common. */
function ofWorkload(workload: Workload): Pick<Identity, 'configHash' | 'experimentId'> {
  const known = identities.get(workload) ?? { configHash: hashOf(workload), experimentId: experimentId(workload) };
  identities.set(workload, known);
  return known;
}

interface Experiment extends Pick<Workload, 'framework' | 'knobs' | 'target_gpu'> {
  readonly model: Pick<Workload['model'], 'id'>;
}

/** `<framework>/<model>/<quant>+<attention>+<backend>/<gpu>`, with `-` where a knob is not set. */
export function experimentId({ framework, model, knobs, target_gpu: gpu }: Experiment): string {
  const stack = ['quant', 'attention', 'backend'].map((knob) => String(knobs[knob] ?? '-'));
  return [framework, model.id, stack.join('+'), gpu].join('/');
}
