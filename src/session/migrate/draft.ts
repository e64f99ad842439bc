import { textOf } from './legacy.ts';
import type { FrameworkSpec, Scalar } from '../../config/schema/framework.ts';
import type { Fields } from './legacy.ts';

/** A cell of the legacy run list, and the axis values that pick it. */
export interface DraftCell {
  /** As the legacy file names it. */
  readonly legacy: string;
  readonly when: Readonly<Record<string, Scalar>>;
}

/** A threshold of ours that judges one legacy cell. */
export interface DraftThreshold {
  readonly cell: string;
  /** Without `when:`. */
  readonly fields: Fields;
  /** JSON path of its figure. */
  readonly from: string;
}

/** One config of ours in the making. Fields are as they are written; a `<changeme>` may stand anywhere. */
export interface Draft {
  readonly spec: FrameworkSpec;
  /** What tells this config from the others of the same legacy file; empty when there is one. */
  readonly suffix: string;
  targetGpu: string;
  model: Fields;
  topology: Record<string, Fields>;
  container: Record<string, unknown> | null;
  seed: unknown;
  knobs: Record<string, unknown>;
  /** A knob that tells it from a config with the same cells; null where none has. */
  idKnob: string | null;
  params: Record<string, unknown>;
  /** Axes in the order of cell ids. */
  sweep: Record<string, readonly unknown[]>;
  cells: readonly DraftCell[];
  thresholds: readonly DraftThreshold[];
  enforce: boolean;
  reuseServer: boolean;
  secrets: Record<string, Fields>;
  /** Dotted path in the YAML -> JSON path, of what was carried. */
  readonly origins: Map<string, string>;
}

/** An empty draft for a framework. */
export function newDraft(spec: FrameworkSpec, suffix = ''): Draft {
  return {
    spec,
    suffix,
    targetGpu: '',
    model: {},
    topology: {},
    container: null,
    seed: null,
    knobs: {},
    idKnob: null,
    params: {},
    sweep: {},
    cells: [],
    thresholds: [],
    enforce: false,
    reuseServer: true,
    secrets: {},
    origins: new Map(),
  };
}

const CHANGEME = /<changeme[^<>]*>?/i;

/** A placeholder that says what is missing; the loader refuses it until it is filled in. */
export function fillIn(what: string): string {
  return `<changeme: ${what}>`;
}

/** Whether a value is still to be filled in. */
export function isOpen(value: unknown): boolean {
  return typeof value === 'string' && CHANGEME.test(value);
}

/** A text as a name of ours: letters, digits, `_`, `.` and `-`. */
export function nameOf(text: string): string {
  const name = text.replaceAll(/[^A-Za-z0-9_.-]+/g, '_').replace(/^[^A-Za-z0-9]+/, '');
  return name.replace(/_+$/, '') || 'unnamed';
}

/** The id of a cell, as the loader makes it. */
export function cellIdOf({ sweep, spec }: Pick<Draft, 'sweep' | 'spec'>, { when }: DraftCell): string {
  const names = Object.keys(sweep);
  const isPaired = (axis: string): boolean => typeof sweep[axis]?.[0] === 'object';
  const tokens = [
    ...names.filter(isPaired).map((axis) => textOf(when[axis])),
    ...names.filter((axis) => !isPaired(axis)).map((axis) => `${spec.axisTokens[axis] ?? axis}${textOf(when[axis])}`),
  ];
  return tokens.join('-') || 'default';
}
