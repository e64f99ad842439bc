import type { Scalar } from './schema/framework.ts';
import type { PathStep } from './yaml/yaml-source.ts';

/** Axis name -> value (or option name) of one cell. */
export type AxisValues = Readonly<Record<string, Scalar>>;

/** One point of a sweep before its params are checked. */
export interface SweepPoint {
  readonly cellId: string;
  /** Axis name -> value (or option name), plus every field of a paired option. */
  readonly axes: AxisValues;
  /** Params that the axes set. */
  readonly params: Readonly<Record<string, unknown>>;
  /** Where each of those params stands under `sweep`. */
  readonly origins: Readonly<Record<string, Origin>>;
  /** The topology block of a paired option, unchecked; null when no option carries one. */
  readonly topology: SweptTopology | null;
}

/** The entry of a sweep that sets a param. */
export interface Origin {
  /** The value itself. */
  readonly path: readonly PathStep[];
  /** The option of a paired axis that holds the value; null for a scalar axis. */
  readonly option: { readonly token: string; readonly path: readonly PathStep[] } | null;
}

interface SweptTopology {
  readonly value: unknown;
  /** Where it stands under `sweep`. */
  readonly path: readonly PathStep[];
}

/** One entry of an axis. */
export interface AxisOption {
  readonly token: string;
  /** Where the token was written. */
  readonly path: readonly PathStep[];
  readonly axes: AxisValues;
  readonly params: Readonly<Record<string, unknown>>;
  readonly origins: Readonly<Record<string, Origin>>;
  readonly topology: SweptTopology | null;
}

/** What a sweep varies: a list of scalars, or (paired) of options whose fields vary together. */
export interface Axis {
  readonly name: string;
  readonly paired: boolean;
  readonly options: readonly AxisOption[];
}
