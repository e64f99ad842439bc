import { z } from 'zod';
import type { FrameworkSpec } from '../../config/schema/framework.ts';
import { soundsSecret } from '../../config/schema/secrets.ts';
import { coerce, plain } from './coerce.ts';
import { fillIn, isOpen } from './draft.ts';
import type { Draft } from './draft.ts';
import { fieldsOf, isComment, printPath } from './legacy.ts';
import type { JsonPath, Legacy } from './legacy.ts';
import { noteOf } from './outcome.ts';
import type { CellOutcome, Figure, Note, Reason } from './outcome.ts';

/** What no legacy file says and a user can. */
export interface Known {
  /** What stands for `{user-id}`; null when nobody said it. */
  readonly userId: string | null;
  /** GPUs of every node, where the file does not say it; null when nobody said it. */
  readonly gpusPerNode: number | null;
}

/** One legacy config on its way: what is read from it, and what is said about it. */
export interface Migration {
  readonly legacy: Legacy;
  /** The file with its thresholds; null when it has none. */
  readonly thresholds: Legacy | null;
  readonly specs: ReadonlyMap<string, FrameworkSpec>;
  readonly known: Known;
  /** Ids of models by their tag, of all files of this migration: two ids with one tag are a mistake. */
  readonly modelIds: Map<string, string>;
  readonly notes: Note[];
  readonly figures: Figure[];
  readonly cells: CellOutcome[];
}

/** Says something about a value of the config, and that it is dealt with. */
export function say(migration: Migration, kind: Note['kind'], at: { readonly path: JsonPath } & Reason): void {
  migration.notes.push(noteOf(kind, migration.legacy, at));
  migration.legacy.take(at.path);
}

const PLACEHOLDER = /\{[A-Za-z][\w.-]*\}/;

/** A value with the placeholders of the legacy suite filled in; a placeholder of ours where nobody knows one of them. */
export function resolveText(migration: Migration, value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const text = substitute(migration, value);
  return PLACEHOLDER.test(text) && !isOpen(text) ? fillIn(text) : text;
}

/** A text with the placeholders of the legacy suite filled in, as far as anybody knows them. */
export function substitute({ legacy, known: { userId } }: Migration, written: string): string {
  const paths = fieldsOf(legacy.at(['paths']));
  let text = written;
  // A path may refer to another.
  for (let round = 0; round < 4; round++) {
    text = text.replaceAll(/\{(?:paths\.)?(\w+)\}/g, (whole, name: string) => {
      const path = Object.hasOwn(paths, name) ? paths[name] : undefined;
      return typeof path === 'string' ? path : whole;
    });
  }
  return userId === null ? text : text.replaceAll('{user-id}', () => userId);
}

/** Takes a value of the config as a param of a draft. False when the framework has no such param. */
export function assignParam(migration: Migration, draft: Draft, at: { from: JsonPath; to: string }): boolean {
  const { from, to } = at;
  const schema: unknown = draft.spec.params.shape[to];
  if (!(schema instanceof z.ZodType)) return false;
  const raw = resolveText(migration, migration.legacy.at(from));
  const value = coerce(schema, raw);
  if (value.ok) {
    draft.params[to] = value.value;
    remember(migration, draft, { from, to: `params.${to}` });
    return true;
  }
  say(migration, 'not_carried', {
    path: from,
    why: `${draft.spec.name} does not take it as ${to}: ${value.why}`,
    todo: `write params.${to} by hand`,
  });
  return true;
}

/** Says that a value of the config now stands at a place of the YAML. */
export function remember(migration: Migration, draft: Draft, at: { from: JsonPath; to: string }): void {
  migration.legacy.take(at.from);
  draft.origins.set(at.to, printPath(at.from));
}

/** Which legacy field is which param; null for one that another part of the migration reads. */
export type ParamMap = Readonly<Record<string, string>>;

/** Takes the fields of an object as params: those of the map, and with `others` those that are called alike. */
export function assignBlock(
  migration: Migration,
  draft: Draft,
  block: { readonly at: JsonPath; readonly map: ParamMap; readonly others?: boolean },
): void {
  for (const [name] of migration.legacy.fields(block.at)) {
    const to = block.map[name] ?? (block.others === true ? name : undefined);
    if (to !== undefined) assignParam(migration, draft, { from: [...block.at, name], to });
  }
}

/** Takes the flags of a tool: as the param, knob or further argument that they are. */
export function assignFlags(
  migration: Migration,
  draft: Draft,
  flags: { readonly at: JsonPath; readonly into: 'serve_args' | 'bench_args' | 'extra_args' },
): void {
  for (const [name, value] of migration.legacy.fields(flags.at)) {
    const from = [...flags.at, name];
    if (!assignFlag(migration, draft, { name, value, from, into: flags.into })) continue;
    migration.legacy.take(from);
  }
}

/** One flag of a tool, as a legacy file has it. */
export interface Flag {
  readonly name: string;
  readonly value: unknown;
  readonly from: JsonPath;
  readonly into: 'serve_args' | 'bench_args' | 'extra_args';
}

/** Flags that are set by something with another name. */
const FLAG_ALIASES: ParamMap = {
  tensor_parallel_size: 'tensor_parallelism',
  pipeline_parallel_size: 'pipeline_parallelism',
  data_parallel_size: 'data_parallelism',
  max_model_len: 'max_model_length',
  context_length: 'max_model_length',
  tp: 'tensor_parallelism',
  tp_size: 'tensor_parallelism',
  ep_size: 'expert_parallelism',
  dp_size: 'data_parallelism',
  pp_size: 'pipeline_parallelism',
};

/** Takes one flag; false when it is left for the report. */
export function assignFlag(migration: Migration, draft: Draft, flag: Flag): boolean {
  const { name, value, from } = flag;
  const plainName = name.replace(/^-+/, '').replaceAll('-', '_');
  if (plainName === 'attention_backend') {
    draft.knobs['attention'] = value;
    remember(migration, draft, { from, to: 'knobs.attention' });
    return true;
  }
  const to = FLAG_ALIASES[plainName] ?? plainName;
  const schema: unknown = draft.spec.params.shape[to];
  if (schema instanceof z.ZodType) {
    const coerced = coerce(schema, resolveText(migration, value));
    if (!coerced.ok) return false;
    draft.params[to] = coerced.value;
    draft.origins.set(`params.${to}`, printPath(from));
    return true;
  }
  return addFurther(migration, draft, { ...flag, name: name.replace(/^-+/, '').replaceAll('_', '-') });
}

function addFurther(migration: Migration, draft: Draft, { name, value, from, into }: Flag): boolean {
  if (!(draft.spec.params.shape[into] instanceof z.ZodType) || value === null || soundsSecret(name)) return false;
  const resolved = resolveText(migration, value);
  const text = typeof resolved === 'object' ? JSON.stringify(resolved) : plain(resolved);
  const further = { ...fieldsOf(draft.params[into]), [name]: text };
  const known = draft.spec.params.shape[into] as z.ZodType;
  if (!isOpen(text) && !known.safeParse(further).success) return false;
  draft.params[into] = further;
  draft.origins.set(`params.${into}.${name}`, printPath(from));
  return true;
}

/** Notes what is left of a file, field by field, with the reason that fits. */
export function noteLeftovers(legacy: Legacy, notes: Note[], reasonOf: (path: string) => Reason): void {
  for (const { path, value } of legacy.leftovers()) {
    if (path.some(isComment)) {
      notes.push(noteOf('comment', legacy, { path, why: 'a comment of the legacy file', todo: '' }));
      continue;
    }
    const isEmpty = value === '' || (typeof value === 'object' && value !== null && Object.keys(value).length === 0);
    if (isEmpty) continue;
    notes.push(noteOf('not_carried', legacy, { path, ...reasonOf(printPath(path)) }));
  }
}
