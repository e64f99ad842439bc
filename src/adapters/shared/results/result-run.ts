import type { SampleRow } from '../../../evidence/tables/samples.ts';

/** The kinds of result files that can be read. */
export const RESULT_FORMATS = ['vllm-bench', 'sglang-bench', 'inferencex-agg', 'aiperf'] as const;
export type ResultFormat = (typeof RESULT_FORMATS)[number];

type Scalar = string | number | boolean;

/** What a result file says of the workload behind it; null and missing fields are what it does not say. */
export interface Origin {
  readonly framework: string | null;
  readonly model: string | null;
  readonly gpu: string | null;
  readonly image: string | null;
  readonly knobs: Readonly<Record<string, Scalar>>;
  readonly params: Readonly<Record<string, Scalar>>;
  /** What usually varies between such files, by the names of our axes. */
  readonly axes: Readonly<Record<string, Scalar>>;
}

/** One benchmark run as a result file tells it: milliseconds, our names, null for what was not measured. */
export interface ResultRun {
  readonly origin: Origin;
  /** Version by program, as far as the file says them. */
  readonly versions: Readonly<Record<string, string>>;
  readonly scalars: Readonly<Record<string, number | null>>;
  /** One row a request; `tsMs` counts from the start of the run. Empty where the file has only a summary. */
  readonly rows: readonly SampleRow[];
  readonly durationMs: number | null;
  /** Milliseconds since the Unix epoch; null where the file does not say when the run began. */
  readonly startedAtMs: number | null;
  /** When the run ended, as near as the file says it; milliseconds since the Unix epoch. */
  readonly endedAtMs: number | null;
  /** What could not be kept, each in a sentence with its place. */
  readonly dropped: readonly string[];
}

/** The origin of a file that says nothing of it. */
export const unknownOrigin: Origin = {
  framework: null,
  model: null,
  gpu: null,
  image: null,
  knobs: {},
  params: {},
  axes: {},
};

/** Without the names that have no value. */
export function known(values: Readonly<Record<string, Scalar | null>>): Readonly<Record<string, Scalar>> {
  return Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, Scalar] => entry[1] !== null && entry[1] !== ''),
  );
}

/** The axes of a load: how much at a time, and of which length; a closed loop says nothing by its request rate. */
export function loadAxes(load: {
  readonly isl: number | null;
  readonly osl: number | null;
  readonly concurrency: number | null;
  readonly requestRate: Scalar | null;
}): Origin['axes'] {
  const { isl, osl, concurrency, requestRate } = load;
  const isClosedLoop = concurrency !== null && typeof requestRate !== 'number';
  return known({ isl, osl, concurrency, request_rate: isClosedLoop ? null : requestRate });
}
