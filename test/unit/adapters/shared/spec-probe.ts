import type { FrameworkSpec, Violation } from '../../../../src/config/schema/framework.ts';
import { workloadSchema } from '../../../../src/config/schema/schema.ts';
import { topologySchema } from '../../../../src/config/schema/topology.ts';

type Params = Readonly<Record<string, unknown>>;

/** What a schema says is wrong with params, each as `path: message`; empty when they are valid. */
export function mistakesOf({ params: schema }: FrameworkSpec, params: Params): readonly string[] {
  const issues = schema.safeParse(params).error?.issues ?? [];
  return issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
}

/** What the constraints say of valid params on roles written as in a config. */
export function violationsOf(spec: FrameworkSpec, params: Params, roles: object): readonly Violation[] {
  return spec.constraints({ params: spec.params.parse(params), topology: topologySchema.parse({ roles }) });
}

/** A param of an older suite's config -> the field that took its place, and its value there. */
export type Counterparts = Readonly<Record<string, readonly [field: string, value: unknown]>>;

/** The params that the counterparts amount to. */
export function paramsFrom(counterparts: Counterparts): Params {
  return Object.fromEntries(Object.values(counterparts));
}

/** Where the older suite's other settings are written now -> those that no config has a block for. */
export function homeless(places: Readonly<Record<string, string>>): readonly string[] {
  return Object.values(places).filter((place) => !(place.split('.')[0]! in workloadSchema.shape));
}

/** Fields or axes that a framework declares twice or for nothing; empty when all is well. */
export function oddAxes({ params, axisTokens }: FrameworkSpec): readonly string[] {
  const tokens = Object.values(axisTokens);
  return [
    ...Object.keys(axisTokens).filter((axis) => !(axis in params.shape)),
    ...tokens.filter((token, index) => tokens.indexOf(token) !== index),
  ];
}
