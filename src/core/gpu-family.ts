import { slipsOf } from './nearest.ts';

/** The GPU families that a device's own name tells apart, as `target_gpu` names them. */
const FAMILIES: ReadonlySet<string> = new Set(
  [
    'mi100 mi210 mi250 mi250x mi300a mi300x mi308x mi325x mi350x mi355x',
    'p100 v100 t4 a10 a10g a30 a40 a100 a800 l4 l20 l40 l40s',
    'h20 h100 h200 h800 gh200 b100 b200 b300 gb200 gb300',
  ].flatMap((line) => line.split(' ')),
);

/** Further GPUs that there are, so that their names are not taken for slips of those above. */
const OTHERS: ReadonlySet<string> = new Set('mi50 mi450x mi455x m40 p40 v100s a16 a30x a100x l40g r200'.split(' '));

/** The `target_gpu` of workloads that need none. */
const CPU = 'cpu';

/**
 * The family of a GPU (`mi355x`) from what it, or its driver, calls itself (`AMD Instinct MI355X`).
 * Null for a name that this product does not know, and for one that two families share: never a guess.
 * So a bare `gfx942` has none: MI300X, MI308X and MI325X all are that.
 */
export function gpuFamilyOf(name: string | null): string | null {
  if (name === null) return null;
  const words = name.toLowerCase().split(/[^a-z\d]+/);
  const families = new Set(words.filter((word) => FAMILIES.has(word)));
  const [family, other] = families;
  return family === undefined || other !== undefined ? null : family;
}

const SHORTEST_SLIP = 3;
// What is near to more names than these may be anything.
const MOST_MEANT = 3;

/**
 * The GPUs whose names are one letter away from one that nobody knows: among the labels of nodes, else among all
 * families. Empty for a name that is known, or a label, or near to none or to many.
 */
export function gpusLike(name: string, labels: readonly string[]): readonly string[] {
  const word = name.toLowerCase();
  const own = [...new Set(labels.map((label) => label.toLowerCase()))].filter((label) => label !== CPU);
  const isKnown = word === CPU || FAMILIES.has(word) || OTHERS.has(word) || own.includes(word);
  if (isKnown || word.length < SHORTEST_SLIP) return [];
  const ofNodes = slipsOf(word, own);
  const meant = ofNodes.length > 0 ? ofNodes : slipsOf(word, [...FAMILIES]);
  return meant.length <= MOST_MEANT ? meant : [];
}

/** The GPUs that one host has; a null name is one that its tool does not tell. */
export interface FoundGpus {
  readonly host: string;
  readonly names: readonly (string | null)[];
}

/**
 * Why a host's GPUs are not the ones that a config is for; null when they are, or may be: a name of an
 * unknown family proves nothing (`explainUnknownGpus` says so). A host without any GPU fits `cpu` only,
 * and everything fits `cpu`.
 */
export function explainGpuMismatch(target: string, { host, names }: FoundGpus): string | null {
  const wanted = target.toLowerCase();
  if (wanted === CPU) return null;
  if (names.length === 0) return `target_gpu is ${target}, but ${host} has no GPU`;
  const isOther = names.map(gpuFamilyOf).some((family) => family !== null && family !== wanted);
  return isOther ? `target_gpu is ${target}, but ${host} has ${listGpus(names)}` : null;
}

/** What keeps a host's GPUs from being told apart from those that a config is for; null when nothing does. */
export function explainUnknownGpus(target: string, { host, names }: FoundGpus): string | null {
  if (target.toLowerCase() === CPU) return null;
  const unknown = names.filter((name) => gpuFamilyOf(name) === null);
  if (unknown.length === 0) return null;
  return `target_gpu is ${target}, which could not be verified: ${host} has ${listGpus(unknown)}`;
}

/** `4x mi300x (AMD Instinct MI300X), 4x of a family unknown here (NVIDIA Graphics Device)`. */
function listGpus(names: readonly (string | null)[]): string {
  const counts = new Map<string | null, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts]
    .map(([name, count]) => `${count}x ${gpuFamilyOf(name) ?? 'of a family unknown here'} (${name ?? 'no name'})`)
    .join(', ');
}
