import { nearest } from '../../core/nearest.ts';
import { benchmarkOf } from '../benchmark.ts';
import type { FrameworkSpec } from '../schema/framework.ts';
import type { Unplaced } from '../issues/issues.ts';
import { workloadSchema } from '../schema/schema.ts';
import type { Workload } from '../schema/schema.ts';
import { thresholdSchema } from '../threshold.ts';
import type { YamlSource } from '../yaml/yaml-source.ts';

/** A config with mistakes in it, as a whole one: what is right in it can be checked before the rest is mended. */
export interface Salvage {
  readonly workload: Workload;
  /** Places what is wrong with `workload` in the file. */
  readonly source: YamlSource;
  /** Whether `target_gpu` is the config's own. */
  readonly isGpuKnown: boolean;
  /** Whether a mistake in `workload` is one of the config, and not of what stands in for a wrong field. */
  readonly isOwn: (mistake: Unplaced) => boolean;
}

type Fields = Readonly<Record<string, unknown>>;

/** Puts a value that nothing is wrong with where a field is; `lost` are fields that are not all there. */
export function salvage(source: YamlSource, spec: FrameworkSpec, lost: readonly string[]): Salvage {
  const fields = source.value as Fields;
  const wrong = new Set([...lost, ...wrongFields(fields)]);
  const right = Object.entries(fields).filter(
    ([name]) => Object.hasOwn(workloadSchema.shape, name) && !wrong.has(name),
  );
  const { kept, indices } = keepThresholds(fields['thresholds']);
  const isJudgingKnown = !wrong.has('thresholds') && !wrong.has('benchmarks');
  const whole = workloadSchema.parse({
    ...STAND_INS,
    workload_kind: spec.workloadKind,
    enforce: !wrong.has('enforce'),
    ...Object.fromEntries(right),
    framework: spec.name,
    thresholds: kept,
  });
  return {
    workload: isJudgingKnown ? whole : { ...whole, benchmarks: whole.thresholds.map(benchmarkOf) },
    source: withIndices(source, indices),
    isGpuKnown: !wrong.has('target_gpu'),
    isOwn: ({ path: [field] }) => ![...wrong].some((name) => dependents(name).includes(String(field))),
  };
}

const STAND_INS = { schema_version: '2', test_id: 'none', target_gpu: 'none', model: 'none' };

function wrongFields(fields: Fields): readonly string[] {
  const { shape } = workloadSchema;
  const names = Object.keys(shape);
  const refused = Object.entries(shape).filter(([name, schema]) => !schema.safeParse(fields[name]).success);
  const absent = names.filter((name) => !Object.hasOwn(fields, name));
  const misspelt = Object.keys(fields).flatMap((name) =>
    Object.hasOwn(shape, name) ? [] : (nearest(name, absent) ?? []),
  );
  return [...refused.map(([name]) => name), ...misspelt];
}

/** The fields in which mistakes may come from what stands in for a wrong one. */
function dependents(name: string): readonly string[] {
  return (Object.hasOwn(DEPENDENTS, name) ? DEPENDENTS[name] : undefined) ?? [name];
}

const DEPENDENTS: Readonly<Record<string, readonly string[]>> = {
  sweep: ['sweep', 'params', 'topology', 'benchmarks', 'thresholds'],
  params: ['params', 'sweep'],
  knobs: ['knobs', 'id_knobs'],
  thresholds: ['benchmarks'],
};

function keepThresholds(written: unknown): { readonly kept: readonly unknown[]; readonly indices: readonly number[] } {
  const all: readonly unknown[] = Array.isArray(written) ? written : [];
  const indices = [...all.keys()].filter((index) => thresholdSchema.safeParse(all[index]).success);
  return { kept: indices.map((index) => all[index]), indices };
}

function withIndices(source: YamlSource, indices: readonly number[]): YamlSource {
  const locate: YamlSource['locate'] = ([field, index, ...rest]) => {
    if (field === undefined) return source.locate([]);
    if (index === undefined) return source.locate([field]);
    const original = field === 'thresholds' ? indices[Number(index)] : undefined;
    return source.locate([field, original ?? index, ...rest]);
  };
  return { ...source, locate };
}
