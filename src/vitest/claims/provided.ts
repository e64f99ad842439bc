import type { TopologyKind } from '../../config/schema/topology.ts';
import type { Tag } from '../../config/tags.ts';
import { groupBy } from '../../core/group-by.ts';
import type { Verdict } from '../../evidence/verdict.ts';
import type { PlannedCell } from '../../session/plan.ts';
import { tagsOfCell } from '../../session/planned-claim.ts';
import type { PlannedClaim, SuiteClaim } from '../../session/planned-claim.ts';

/** A cell as a worker needs it. */
export interface ProvidedCell {
  readonly key: string;
  readonly bracket: string;
  /** The tags of all its claims. */
  readonly tags: readonly string[];
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
  /** As JSON: Vitest sends all of it to the worker of every file, and a string is cheapest to send and to read. */
  readonly cells: string;
  readonly files: Readonly<Record<string, string>>;
  /** Whether a tag of the project sets more than its name, such as retries. */
  readonly haveTagsOptions: boolean;
}

/** What a suite file is to register. */
export interface ProvidedSelection extends ProvidedFile {
  readonly cells: readonly ProvidedCell[];
}

/** Unpacks what one suite file is to register; null when nothing of it is selected. */
export function unpackSelection({ cells, files }: ProvidedAssay, file: string): ProvidedSelection | null {
  const own = files[file];
  if (own === undefined) return null;
  return { ...(JSON.parse(own) as ProvidedFile), cells: JSON.parse(cells) as readonly ProvidedCell[] };
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

/** Packs a selection for workers: what many claims share is packed once. */
export function packSelection(
  selected: readonly PlannedClaim[],
  given: Pick<ProvidedAssay, 'socket' | 'haveTagsOptions'>,
): ProvidedAssay {
  const cells = new Numbered(packCell);
  const byFile = groupBy(selected, ({ claim }) => claim.file);
  const files = [...byFile].map(([file, ofFile]) => {
    const claims = new Numbered(({ name, tags }: SuiteClaim) => ({ name, tags: namesOf(tags) }));
    const pairs = ofFile.flatMap(({ claim, planned }) => [claims.indexOf(claim), cells.indexOf(planned)]);
    const tier = ofFile[0]?.claim.tier ?? 0;
    return [file, JSON.stringify({ tier, claims: claims.items, selected: pairs } satisfies ProvidedFile)] as const;
  });
  return { ...given, cells: JSON.stringify(cells.items), files: Object.fromEntries(files) };
}

function packCell(planned: PlannedCell): ProvidedCell {
  const { cell, skip, identity } = planned;
  return {
    key: cell.key,
    bracket: cell.bracket,
    tags: namesOf(tagsOfCell(planned)),
    skipped: skip?.detail ?? null,
    verificationHash: identity.verificationHash,
    topology: cell.topologyKind,
    benchmarks: cell.workload.benchmarks,
  };
}

function namesOf(tags: readonly Tag[]): readonly string[] {
  return tags.map(({ name }) => name);
}

/** Packs each thing once and knows its number. */
class Numbered<Thing, Packed> {
  readonly items: Packed[] = [];
  readonly #pack: (thing: Thing) => Packed;
  readonly #indices = new Map<Thing, number>();

  constructor(pack: (thing: Thing) => Packed) {
    this.#pack = pack;
  }

  indexOf(thing: Thing): number {
    const known = this.#indices.get(thing);
    if (known !== undefined) return known;
    this.#indices.set(thing, this.items.length);
    return this.items.push(this.#pack(thing)) - 1;
  }
}
