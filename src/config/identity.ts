import { hashOf } from '../core/hash.ts';
import type { Sha256 } from '../core/hash.ts';
import type { Cell } from './cell.ts';

/** Role -> host names: which node plays which role in a cell. */
export type RoleHosts = Readonly<Record<string, readonly string[]>>;

/** The three hashes that say what was run, how it was judged, and what was written. */
export interface Identity {
  readonly workloadHash: Sha256;
  readonly verificationHash: Sha256;
  readonly configHash: Sha256;
  readonly experimentId: string;
}

/** What the hashes of a cell depend on besides the cell itself. */
export interface IdentityInputs {
  readonly bindings: RoleHosts;
  /** Bumped by an adapter when it changes what it launches. */
  readonly launchVersion: number;
  readonly verdictEngineVersion: number;
  /** The failure patterns a run is judged by. */
  readonly patterns: unknown;
}

/** The identity of a cell on its nodes: never the rest of the sweep, never a secret. */
export function identify(cell: Cell, inputs: IdentityInputs): Identity {
  const { workload } = cell;
  return {
    workloadHash: hashOf({
      framework: workload.framework,
      launch_version: inputs.launchVersion,
      model: workload.model,
      dataset: workload.dataset ?? null,
      knobs: workload.knobs,
      params: cell.params,
      topology: cell.topology,
      seed: workload.seed,
      bindings: inputs.bindings,
    }),
    verificationHash: hashOf({
      thresholds: cell.thresholds.map(({ threshold }) => threshold),
      patterns: inputs.patterns,
      verdict_engine_version: inputs.verdictEngineVersion,
    }),
    configHash: hashOf(workload),
    experimentId: experimentId(cell),
  };
}

/** `<framework>/<model>/<quant>+<attention>+<backend>/<gpu>`, with `-` where a knob is not set. */
function experimentId({ workload }: Cell): string {
  const stack = ['quant', 'attention', 'backend'].map((knob) => String(workload.knobs[knob] ?? '-'));
  return [workload.framework, workload.model.id, stack.join('+'), workload.target_gpu].join('/');
}
