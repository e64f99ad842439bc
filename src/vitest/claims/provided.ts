import type { TopologyKind } from '../../config/schema/topology.ts';
import type { Verdict } from '../../evidence/verdict.ts';

/** A cell as a worker needs it. */
export interface ProvidedCell extends AlikeCells {
  readonly key: string;
  readonly bracket: string;
  /** The tags of all its claims. */
  readonly tags: readonly string[];
}

/** What many cells of a config have in common. */
export interface AlikeCells {
  /** Why the cell does not run here; null when it does. */
  readonly skipped: string | null;
  /** How its run is judged in this session. */
  readonly verificationHash: string;
  readonly topology: TopologyKind;
  /** Those of its config: one list for all its cells. */
  readonly benchmarks: readonly string[];
}

/** The selected claims of one suite file. */
export interface ProvidedFile {
  readonly tier: number;
  /** Each claim that is selected for some cell, with the tags of its own. */
  readonly claims: readonly { readonly name: string; readonly tags: readonly string[] }[];
  /** What is selected, an index in `claims` of this file and one in `cells`, in turn. */
  readonly selected: readonly number[];
}

/** What the main process gives to workers: the selection, and where to ask for runs. */
export interface ProvidedAssay {
  readonly socket: string;
  /** `PackedCells` as JSON: Vitest sends all to the worker of every file, and a string is cheapest to send and to read. */
  readonly cells: string;
  readonly files: Readonly<Record<string, string>>;
  /** Whether a tag of the project sets more than its name, such as retries. */
  readonly haveTagsOptions: boolean;
}

/** Cells with what they have in common written once. */
export interface PackedCells {
  readonly tags: readonly string[];
  readonly alike: readonly AlikeCells[];
  /** Key, bracket, an index in `alike`, and one in `tags` for each tag. */
  readonly cells: readonly (readonly [string, string, number, ...number[]])[];
}

/** What a suite file is to register. */
export interface ProvidedSelection extends ProvidedFile {
  readonly cells: readonly ProvidedCell[];
}

/** Unpacks what one suite file is to register; null when nothing of it is selected. */
export function unpackSelection({ cells, files }: ProvidedAssay, file: string): ProvidedSelection | null {
  const own = files[file];
  if (own === undefined) return null;
  return { ...(JSON.parse(own) as ProvidedFile), cells: unpackCells(JSON.parse(cells) as PackedCells) };
}

function unpackCells({ tags: names, alike, cells }: PackedCells): readonly ProvidedCell[] {
  return cells.flatMap(([key, bracket, at, ...tags]) => {
    const shared = alike[at];
    return shared === undefined ? [] : { key, bracket, tags: tags.map((tag) => names[tag] ?? ''), ...shared };
  });
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

/** What a claim leaves in its task's metadata (`task.meta.assay`), for reporters. */
export interface ClaimMeta {
  /** `<test_id>/<cell_id>` */
  readonly cell: string;
  readonly claim: string;
  readonly tier: number;
  /** The run directory that was judged, absolute; absent when nothing ran. */
  readonly run?: string;
  readonly runId?: string;
  /** There when that run was stored before, and nothing was launched for this session. */
  readonly reused?: true;
  /** Of several verdicts the first that was missed, else the last. */
  readonly verdict?: MetaVerdict;
}

/** A verdict as metadata carries it. */
export type MetaVerdict = Pick<
  Verdict,
  | 'kind'
  | 'benchmark'
  | 'metric'
  | 'op'
  | 'expected'
  | 'actual'
  | 'margin'
  | 'interval'
  | 'passed'
  | 'outcome'
  | 'n'
  | 'source'
  | 'detail'
>;
