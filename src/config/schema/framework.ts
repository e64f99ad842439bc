import type { z } from 'zod';
import type { PredicateName } from '../thresholds/predicate.ts';
import type { Topology } from './topology.ts';

/** What a workload does. */
export type WorkloadKind = 'inference' | 'training';

/** What an axis value, a knob or a selector can be. */
export type Scalar = string | number | boolean;

/** What the config loader must know of a framework; each adapter supplies one. */
export interface FrameworkSpec {
  /** The name written in `framework:`. */
  readonly name: string;
  readonly workloadKind: WorkloadKind;
  /** Strict schema of a cell's resolved params: `params:` merged with the cell's axis values. */
  readonly params: z.ZodObject;
  /** Schema of the knobs this framework reads; further knobs are the user's own and only become tags. */
  readonly knobs: z.ZodObject;
  /** The roles a topology must have, and those it may have. */
  readonly roles: { readonly required: readonly string[]; readonly optional: readonly string[] };
  /** Whether the workload can run in a container. */
  readonly container: 'optional' | 'none';
  /** Where valid params and a valid topology contradict each other; empty when they agree. */
  readonly constraints: (cell: CellShape) => readonly Violation[];
  /** How many ranks work together in a cell; more than one makes its topology distributed. */
  readonly ranks: (cell: CellShape) => number;
  /**
   * Params that name a file or folder: from the folder of the config where they begin with a dot, anywhere on the node
   * where they are absolute. Default: none.
   */
  readonly pathParams?: readonly string[];
  /** Short name of an axis in cell ids, e.g. `concurrency` -> `conc`; an axis that is not listed keeps its name. */
  readonly axisTokens: Readonly<Record<string, string>>;
  /** Every metric that a threshold on this framework can judge. */
  readonly metrics: readonly string[];
  /** The benchmarks that take no threshold: each has a predicate, which also watches the workload while it runs. */
  readonly predicates: readonly PredicateName[];
}

/** The frameworks there are, the one of this config among them. */
export interface Frameworks {
  readonly spec: FrameworkSpec;
  readonly all: readonly FrameworkSpec[];
}

/** What constraints are about: what a cell asks for, and what it runs on. */
export interface CellShape<Params = Readonly<Record<string, unknown>>> {
  readonly params: Params;
  readonly topology: Topology;
}

/** A contradiction between params and topology. */
export interface Violation {
  /** The param at fault: the problem is placed where the config sets it. */
  readonly field: string;
  /** What is wrong, with the numbers. */
  readonly message: string;
  /** What to do. */
  readonly hint: string;
}

/** A framework's own declaration: its constraints see the params as its schema types them. */
interface FrameworkDeclaration<Params extends z.ZodObject> extends Omit<
  FrameworkSpec,
  'params' | 'constraints' | 'ranks'
> {
  readonly params: Params;
  /** Default: none. */
  readonly constraints?: (cell: CellShape<z.output<Params>>) => readonly Violation[];
  /** Default: one. */
  readonly ranks?: (cell: CellShape<z.output<Params>>) => number;
}

/** Declares a framework. Constraints and ranks are asked only about params that the schema has accepted. */
export function defineFramework<Params extends z.ZodObject>({
  constraints = () => [],
  ranks = () => 1,
  ...declared
}: FrameworkDeclaration<Params>): FrameworkSpec {
  return {
    ...declared,
    constraints: (cell) => constraints(cell as CellShape<z.output<Params>>),
    ranks: (cell) => ranks(cell as CellShape<z.output<Params>>),
  };
}
