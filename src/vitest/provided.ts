import type { PlannedClaim } from './selection.ts';

/** A cell as a worker needs it. */
export interface ProvidedCell {
  readonly key: string;
  readonly bracket: string;
  /** Why the cell does not run here; null when it does. */
  readonly skipped: string | null;
}

/** A selected claim about a cell, by its index in `cells`. */
export interface ProvidedClaim {
  readonly name: string;
  readonly cell: number;
  readonly tags: readonly string[];
}

/** What the main process gives to workers: the selection, and where to ask for runs. */
export interface ProvidedAssay {
  readonly socket: string;
  readonly cells: readonly ProvidedCell[];
  readonly claimsByFile: Readonly<Record<string, readonly ProvidedClaim[]>>;
}

declare module 'vitest' {
  interface ProvidedContext {
    assay?: ProvidedAssay;
  }
  interface TaskMeta {
    /** What a claim found. */
    assay?: ClaimMeta;
  }
}

/** What a claim leaves in its task's metadata, for reporters. */
export interface ClaimMeta {
  readonly cell: string;
  readonly claim: string;
  /** The run directory that was judged; absent when nothing ran. */
  readonly run?: string;
  readonly verdict?: {
    readonly metric: string;
    readonly op: string;
    readonly expected: number;
    readonly actual: number | null;
    readonly margin: number | null;
    readonly passed: boolean;
    readonly n: number | null;
    readonly detail: string;
  };
}

/** Packs a selection for workers. */
export function packSelection(selected: readonly PlannedClaim[], socket: string): ProvidedAssay {
  const indexOf = new Map<string, number>();
  const cells: ProvidedCell[] = [];
  const claimsByFile: Record<string, ProvidedClaim[]> = {};
  for (const { file, name, planned, tags } of selected) {
    const { cell, binding } = planned;
    const index = indexOf.get(cell.key) ?? cells.length;
    if (index === cells.length) {
      indexOf.set(cell.key, index);
      cells.push({
        key: cell.key,
        bracket: cell.bracket,
        skipped: binding.state === 'unbound' ? binding.detail : null,
      });
    }
    (claimsByFile[file] ??= []).push({ name, cell: index, tags: tags.map((tag) => tag.name) });
  }
  return { socket, cells, claimsByFile };
}
