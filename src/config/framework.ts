import type { z } from 'zod';

/** What the config loader must know of a framework; each adapter supplies one. */
export interface FrameworkSpec {
  /** The name written in `framework:`. */
  readonly name: string;
  readonly workloadKind: 'inference' | 'training';
  /** Strict schema of a cell's resolved params: `params:` merged with the cell's axis values. */
  readonly params: z.ZodType<Readonly<Record<string, unknown>>>;
  /** Schema of the knobs this framework reads; further knobs are the user's own and only become tags. */
  readonly knobs: z.ZodType<Readonly<Record<string, Scalar>>>;
  /** Short name of an axis in cell ids, e.g. `concurrency` -> `conc`; an axis that is not listed keeps its name. */
  readonly axisTokens: Readonly<Record<string, string>>;
  /** Every metric that a threshold on this framework can judge. */
  readonly metrics: readonly string[];
}

/** What an axis value, a knob or a selector can be. */
export type Scalar = string | number | boolean;
