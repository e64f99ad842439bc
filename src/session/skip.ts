import type { Binding } from '../cluster/bind.ts';
import type { Cell } from '../config/cell.ts';
import type { Framework } from '../lifecycle/adapter.ts';

/** Why a cell stays in the plan and in reports, but is not run. */
export interface Skip {
  /** Becomes the tag `skipped_<reason>`. */
  readonly reason: string;
  /** The reason with its numbers, for people: `insufficient_nodes (need 4, have 3)`. */
  readonly detail: string;
}

/** What decides whether a cell can be launched. */
interface Launchability {
  readonly cell: Cell;
  readonly binding: Binding;
  readonly framework: Framework | undefined;
}

/** Why a cell is not run here: it fits no node, or this version cannot launch it; null when it is run. */
export function skipOf({ cell, binding, framework }: Launchability): Skip | null {
  if (binding.state === 'unbound') return { reason: binding.reason, detail: binding.detail };
  const { framework: name } = cell.workload;
  if ((framework?.create ?? null) === null) {
    return { reason: 'no_adapter', detail: `no_adapter (${name} can be planned, not launched yet)` };
  }
  return null;
}
