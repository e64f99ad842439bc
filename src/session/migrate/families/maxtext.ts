import { plain } from '../coerce.ts';
import { fillIn } from '../draft.ts';
import type { Draft } from '../draft.ts';
import { fieldsOf, textOf } from '../legacy.ts';
import type { JsonPath } from '../legacy.ts';
import { assignFlag, assignParam, remember, say } from '../migration.ts';
import type { Migration, ParamMap } from '../migration.ts';

/** Options of MaxText that have another name here. */
const MAXTEXT: ParamMap = { max_target_length: 'sequence_length' };

const DEGREE = /^(ici|dcn)_(\w+)_parallelism$/;

/** Takes options of MaxText: as params, or as further arguments where there is no param. */
export function assignMaxtext(
  migration: Migration,
  draft: Draft,
  block: { readonly at: JsonPath; readonly except?: readonly string[] },
): void {
  for (const [name, value] of migration.legacy.fields(block.at)) {
    const from = [...block.at, name];
    if (DEGREE.test(name) || block.except?.includes(name) === true || typeof value === 'object') {
      if (Array.isArray(value)) assignParam(migration, draft, { from, to: name });
      continue;
    }
    assignOption(migration, draft, { name, value, from });
  }
}

interface Option {
  readonly name: string;
  readonly value: unknown;
  readonly from: JsonPath;
}

function assignOption(migration: Migration, draft: Draft, { name, value, from }: Option): void {
  if (name === 'attention') {
    draft.knobs['attention'] = value;
    return remember(migration, draft, { from, to: 'knobs.attention' });
  }
  if (assignParam(migration, draft, { from, to: MAXTEXT[name] ?? name })) return;
  // MaxText spells its options with underscores.
  if (value === '' || !assignFlag(migration, draft, { name, value, from, into: 'extra_args' })) return;
  const { extra_args: further } = draft.params;
  const spelled = Object.entries(fieldsOf(further)).map(([flag, one]) => [flag.replaceAll('-', '_'), one]);
  draft.params['extra_args'] = Object.fromEntries(spelled);
  migration.legacy.take(from);
}

const OURS: ParamMap = { tensor: 'tp', pipeline: 'pp', data: 'dp', fsdp: 'fsdp', context: 'cp', expert: 'ep' };

/** Takes the degrees of parallelism, which MaxText has within a node (`ici`) and between nodes (`dcn`), as their products. */
export function assignDegrees(migration: Migration, draft: Draft, at: { block: JsonPath; nodes: unknown }): void {
  const { legacy } = migration;
  const found = legacy.fields(at.block).filter(([name]) => DEGREE.test(name));
  const degreeOf = (level: string, kind: string): unknown =>
    plain(legacy.at([...at.block, `${level}_${kind}_parallelism`])) ?? 1;
  const between = ['data', 'fsdp', 'pipeline', 'tensor', 'sequence', 'context', 'expert'].map((kind) =>
    degreeOf('dcn', kind),
  );
  const rest = restOf(between, at.nodes);
  for (const [name] of found) {
    const [, level = '', kind = ''] = DEGREE.exec(name) ?? [];
    const from = [...at.block, name];
    const to = OURS[kind];
    if (to === undefined) {
      if (degreeOf(level, kind) === 1) legacy.take(from);
      continue;
    }
    draft.params[to] = productOf(degreeOf('ici', kind), orRest(degreeOf('dcn', kind), rest));
    remember(migration, draft, { from, to: `params.${to}` });
  }
  shareFsdp(draft);
}

// -1 stands for what the others leave over.
function restOf(degrees: readonly unknown[], nodes: unknown): unknown {
  const known = degrees.filter((degree) => degree !== -1);
  if (typeof nodes !== 'number' || known.some((degree) => typeof degree !== 'number'))
    return fillIn('what the nodes leave over');
  return nodes / known.reduce<number>((product, degree) => product * Number(degree), 1);
}

function orRest(degree: unknown, rest: unknown): unknown {
  return degree === -1 ? rest : degree;
}

function productOf(inner: unknown, outer: unknown): unknown {
  if (typeof inner !== 'number' || typeof outer !== 'number')
    return fillIn(`${textOf(inner)} x the share of the nodes`);
  return inner > 0 && Number.isInteger(inner * outer) ? inner * outer : fillIn('a degree that was left to MaxText');
}

// Context and expert parallel take their ranks from fsdp here.
function shareFsdp({ params }: Draft): void {
  const { fsdp = 1, cp = 1, ep = 1 } = params;
  if ([fsdp, cp, ep].every((degree) => typeof degree === 'number') && (cp !== 1 || ep !== 1)) {
    params['fsdp'] = Number(fsdp) * Number(cp) * Number(ep);
  }
}

/** The GPUs of a node: what a field says, else what the degrees within a node multiply up to. */
export function gpusOfNode(migration: Migration, block: JsonPath): unknown {
  const inner = migration.legacy.fields(block).filter(([name]) => name.startsWith('ici_') && DEGREE.test(name));
  const degrees = inner.map(([, value]) => plain(value));
  const isKnown = degrees.length > 0 && degrees.every((degree) => typeof degree === 'number' && degree > 0);
  if (!isKnown) return migration.known.gpusPerNode ?? fillIn('GPUs of each node');
  return degrees.reduce<number>((product, degree) => product * Number(degree), 1);
}

/** Takes flags of the XLA compiler. */
export function assignXlaFlags(migration: Migration, draft: Draft, at: JsonPath): void {
  const flags = migration.legacy.fields(at).map(([name, value]) => {
    remember(migration, draft, { from: [...at, name], to: `params.xla_flags.${name}` });
    // Two quotes are what a shell makes nothing of.
    return [name, value === "''" ? '' : plain(value)];
  });
  if (flags.length > 0) draft.params['xla_flags'] = Object.fromEntries(flags) as Readonly<Record<string, unknown>>;
}

/** Notes settings that every cell of a sweep has its own of. */
export function noteOverridden(migration: Migration, draft: Draft, block: JsonPath): void {
  const options = Object.values(draft.sweep)[0] ?? [];
  const swept = new Set(options.flatMap((option) => Object.keys(fieldsOf(option))));
  for (const field of swept) {
    if (!Object.hasOwn(draft.params, field) || !options.every((option) => Object.hasOwn(fieldsOf(option), field)))
      continue;
    delete draft.params[field];
    const name = Object.keys(MAXTEXT).find((one) => MAXTEXT[one] === field) ?? field;
    const path = [...block, name];
    if (migration.legacy.at(path) === undefined) continue;
    say(migration, 'not_carried', { path, why: 'every cell sets its own', todo: '' });
  }
}

/** The name that an option of MaxText has here. */
export function maxtextParam(name: string): string {
  return MAXTEXT[name] ?? name;
}
