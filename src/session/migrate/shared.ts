import { normaliseTag } from '../../config/tags.ts';
import { plain } from './coerce.ts';
import { fillIn, isOpen, nameOf } from './draft.ts';
import type { Draft } from './draft.ts';
import { reportFigures } from './figures.ts';
import type { Figures } from './figures.ts';
import { fieldsOf, isComment, textOf } from './legacy.ts';
import type { JsonPath, Legacy } from './legacy.ts';
import { remember, resolveText, say } from './migration.ts';
import type { Migration } from './migration.ts';
import type { Reason } from './outcome.ts';

/** What a family makes of a legacy config: configs of ours, or why there are none. */
export type Made =
  | { readonly state: 'made'; readonly drafts: readonly Draft[] }
  | ({ readonly state: 'none' } & Reason);

/** GPU names of the legacy suites that leave out the letter at their end. */
const GPUS: Readonly<Record<string, string>> = { mi325: 'mi325x', mi350: 'mi350x', mi355: 'mi355x' };
const SEVERAL: Readonly<Record<string, string>> = {
  mi300: 'mi300x or mi300a',
  mi30x: 'mi300x or mi325x',
  mi35x: 'mi350x or mi355x',
  mi3xx: 'mi300x, mi325x, mi350x or mi355x',
};

/** The GPU that a legacy name means; a placeholder for a name that several GPUs have. */
export function gpuOf(name: unknown): string {
  const lower = textOf(name ?? '').toLowerCase();
  if (lower === '' || isOpen(name)) return fillIn('the GPU of the nodes, such as mi300x');
  const several = SEVERAL[lower];
  return several === undefined ? (GPUS[lower] ?? nameOf(lower)) : fillIn(`${several}: the legacy file says ${lower}`);
}

/** The GPU that the name of a legacy file begins with. */
export function gpuOfFile(file: string): string {
  const [, gpu] = /(?:^|[/_])(mi\d{2,3}x{0,2})_/i.exec(file) ?? [];
  return gpuOf(gpu);
}

/** Takes the name of the GPU from a field. */
export function assignGpu(migration: Migration, draft: Draft, from: JsonPath): void {
  const written = migration.legacy.at(from);
  draft.targetGpu = written === undefined ? gpuOfFile(migration.legacy.file) : gpuOf(written);
  if (written !== undefined) remember(migration, draft, { from, to: 'target_gpu' });
}

/** Takes the model: a repository of the hub, a folder, or a name. */
export function assignModel(migration: Migration, draft: Draft, from: JsonPath): void {
  const written = resolveText(migration, migration.legacy.at(from));
  remember(migration, draft, { from, to: 'model.id' });
  const text = textOf(written ?? fillIn('the model'));
  if (isOpen(text)) draft.model = { id: text };
  else if (text.startsWith('/')) {
    const id = modelId(migration, text.replace(/\/+$/, ''));
    draft.model = { id, path: hostPathOf(draft, text) };
  } else draft.model = { id: modelId(migration, text), ...(text.includes('/') ? { hf_repo: text } : {}) };
}

/** The id of a model from its name, repository or folder; written as an earlier file of this migration wrote it. */
export function modelId({ modelIds }: Migration, text: string): string {
  const id = nameOf(text.split('/').at(-1) ?? text);
  const tag = normaliseTag(id);
  const known = modelIds.get(tag) ?? id;
  modelIds.set(tag, known);
  return known;
}

// A path inside of a container is one of the host below its mount.
function hostPathOf({ container }: Draft, path: string): string {
  const mounts = Array.isArray(container?.['mounts']) ? (container['mounts'] as readonly string[]) : [];
  for (const mount of mounts) {
    const [source = '', target = ''] = mount.split(':');
    if (isOpen(mount) || !`${path}/`.startsWith(`${target.replace(/\/+$/, '')}/`)) continue;
    return source.replace(/\/+$/, '') + path.slice(target.replace(/\/+$/, '').length).replace(/\/+$/, '');
  }
  return path.replace(/\/+$/, '');
}

/** A role of the topology, with as many GPUs of each node as its degrees of parallelism take. */
export function roleOf(count: unknown, gpus: unknown): Readonly<Record<string, unknown>> {
  const nodes = plain(count);
  if (typeof nodes !== 'number' || typeof gpus !== 'number') {
    return { count: nodes, gpus_per_node: typeof gpus === 'number' ? gpus : fillIn('GPUs of each node') };
  }
  const perNode = gpus / nodes;
  return { count: nodes, gpus_per_node: Number.isInteger(perNode) ? perNode : fillIn('GPUs of each node') };
}

/** The product of the degrees of parallelism of a draft; null when one of them is open. */
export function degreesIn({ params }: Draft, names: readonly string[]): number | null {
  const degrees = names.map((name) => params[name] ?? 1);
  return degrees.every((degree) => typeof degree === 'number') ? degrees.reduce((a, b) => a * b, 1) : null;
}

/** Takes whether thresholds are enforced; where nothing says it they only record. */
export function assignEnforce(migration: Migration, draft: Draft, from: JsonPath): void {
  const written = plain(migration.legacy.at(from));
  draft.enforce = written === true;
  if (written !== undefined) remember(migration, draft, { from, to: 'enforce' });
  else {
    say(migration, 'changed', {
      path: from,
      why: 'the legacy file does not say whether thresholds are enforced: enforce is false',
      todo: 'set enforce: true when the thresholds are right',
    });
  }
}

/** The objects of a file that hold figures, at any depth: metric -> {kind, value}. */
export function figureCells(legacy: Legacy, path: JsonPath = []): readonly Figures[] {
  const entries = Object.entries(fieldsOf(legacy.at(path))).filter(([key]) => !isComment(key));
  if (entries.some(([, value]) => isSpec(value))) {
    return [{ legacy, path, cell: textOf(path.at(-1) ?? '') }];
  }
  return entries.flatMap(([key]) => figureCells(legacy, [...path, key]));
}

function isSpec(value: unknown): boolean {
  const { kind, value: bound } = fieldsOf(value);
  return typeof kind === 'string' && bound !== undefined;
}

/** Reports the figures of every cell of the thresholds file that nobody took. */
export function reportOthers(migration: Migration, taken: ReadonlySet<string>, reason: (cell: string) => Reason): void {
  if (migration.thresholds === null) return;
  for (const one of figureCells(migration.thresholds)) {
    if (!taken.has(one.cell)) reportFigures(migration, one, reason(one.cell));
  }
}

/** The pairs of a cell's legacy name: `ISL=1024,OSL=128,CONC=16`. */
export function pairsIn(cell: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    cell.split(',').flatMap((pair) => {
      const [name, value] = pair.split('=');
      return name === undefined || value === undefined ? [] : [[name.trim().toUpperCase(), value.trim()]];
    }),
  );
}

/** Names that are all different: a second of the same gets a number. */
export function distinct(names: readonly string[]): readonly string[] {
  const seen = new Map<string, number>();
  return names.map((name) => {
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return count === 1 ? name : `${name}_${count}`;
  });
}
