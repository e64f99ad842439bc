import { plainLine } from '../shared/role-logs.ts';

/** What torchtitan says of itself before the first step; null for what it does not say. */
export interface Startup {
  readonly versions: Readonly<Record<string, string>>;
  /** The degrees of its mesh by torchtitan's short names: `pp`, `dp_replicate`, `dp_shard`, `cp`, `tp`, `ep`. */
  readonly mesh: Readonly<Record<string, number>> | null;
  readonly batch: Batch | null;
  readonly isCompiled: boolean;
  /** How float8 is scaled; null when linear layers are not computed in it. */
  readonly float8: string | null;
  readonly activationCheckpoint: string | null;
  /** Seconds that each checkpoint took to write, and to read. */
  readonly savedS: readonly number[];
  readonly loadedS: readonly number[];
}

/** What one step trains on. */
export interface Batch {
  readonly local: number;
  readonly global: number;
  readonly seqLen: number;
  readonly steps: number;
}

const BATCH =
  /local batch size (\d+), global batch size (\d+), gradient accumulation steps \d+, sequence length (\d+), total steps (\d+) /;
const MESH = /Building device mesh with parallelism: (.+)$/;
const OLD_MESH = /Building \d+-D device mesh with \[(.*)\], \[(.*)\]/;
const MESH_AXES = ['pp', 'dp_replicate', 'dp_shard', 'cp', 'tp', 'ep'];
const VERSIONS: Readonly<Record<string, RegExp>> = {
  torchtitan: /torchtitan version: (\S+)/,
  nccl: /NCCL version (\S+)/,
};
const FLOAT8 = /Float8 (?:(\w+) scaled )?training active(?: with recipe (\w+))?/;

/** Reads what a log says of the options in force. */
export function readStartup(lines: readonly string[]): Startup {
  const text = lines.map(plainLine).join('\n');
  const [, local, global, seqLen, steps] = BATCH.exec(text) ?? [];
  const float8 = FLOAT8.exec(text);
  return {
    versions: versionsIn(text),
    mesh: meshIn(text),
    batch:
      local === undefined
        ? null
        : { local: Number(local), global: Number(global), seqLen: Number(seqLen), steps: Number(steps) },
    isCompiled: text.includes('Compiling each TransformerBlock with torch.compile'),
    float8: float8 === null ? null : (float8[2] ?? float8[1] ?? 'tensorwise'),
    activationCheckpoint: /Applied (\w+) activation checkpointing to the model/.exec(text)?.[1] ?? null,
    savedS: secondsIn(text, /Finished saving the checkpoint in ([\d.]*\d) seconds/g),
    loadedS: secondsIn(text, /Finished loading the checkpoint in ([\d.]*\d) seconds/g),
  };
}

function versionsIn(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(VERSIONS).flatMap(([name, pattern]) => {
      const version = pattern.exec(text)?.[1];
      return version === undefined ? [] : [[name, version]];
    }),
  );
}

function meshIn(text: string): Readonly<Record<string, number>> | null {
  const stated = new RegExp(MESH, 'm').exec(text)?.[1];
  if (stated !== undefined)
    return knownMesh([...stated.matchAll(/(\w+)=(\d+)/g)].map(([, axis, size]) => [axis, size]));
  const [, axes, sizes] = OLD_MESH.exec(text) ?? [];
  if (axes === undefined || sizes === undefined) return null;
  const counts = sizes.split(', ');
  const names = [...axes.matchAll(/'(\w+)'/g)].map(([, axis]) => axis);
  return knownMesh(names.map((axis, index) => [axis, counts[index]]));
}

/** Older releases leave out what is 1, and cut the mesh of experts in a way that does not tell its degrees. */
function knownMesh(entries: readonly (readonly (string | undefined)[])[]): Readonly<Record<string, number>> | null {
  const mesh = Object.fromEntries(MESH_AXES.map((axis) => [axis, 1]));
  for (const [axis = '', size] of entries) {
    if (!MESH_AXES.includes(axis)) return null;
    mesh[axis] = Number(size);
  }
  return mesh;
}

function secondsIn(text: string, pattern: RegExp): readonly number[] {
  return [...text.matchAll(pattern)].map(([, seconds]) => Number(seconds));
}
