import type { Tag } from '../config/tags.ts';
import { groupBy } from '../core/group-by.ts';
import type { PlannedCell } from '../session/plan.ts';
import { tagsOfCell } from '../session/planned-claim.ts';
import type { PlannedClaim, SuiteClaim } from '../session/planned-claim.ts';

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
}

/** The selected claims of one suite file. */
export interface ProvidedFile {
  /** Each claim that is selected for some cell, with the tags of its own. */
  readonly claims: readonly { readonly name: string; readonly tags: readonly string[] }[];
  /** What is selected, as indices in `claims` of this file and in `cells`. */
  readonly selected: readonly (readonly [claim: number, cell: number])[];
}

/** What the main process gives to workers: the selection, and where to ask for runs. */
export interface ProvidedAssay {
  readonly socket: string;
  readonly cells: readonly ProvidedCell[];
  readonly files: Readonly<Record<string, ProvidedFile>>;
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
  /** There when that run was stored before, and nothing was launched for this session. */
  readonly reused?: true;
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

/** Packs a selection for workers: what many claims share is packed once. */
export function packSelection(selected: readonly PlannedClaim[], socket: string): ProvidedAssay {
  const cells = new Numbered(packCell);
  const byFile = groupBy(selected, ({ claim }) => claim.file);
  const files = [...byFile].map(([file, ofFile]) => {
    const claims = new Numbered(({ name, tags }: SuiteClaim) => ({ name, tags: namesOf(tags) }));
    const pairs = ofFile.map(({ claim, planned }) => [claims.indexOf(claim), cells.indexOf(planned)] as const);
    return [file, { claims: claims.items, selected: pairs }] as const;
  });
  return { socket, cells: cells.items, files: Object.fromEntries(files) };
}

function packCell(planned: PlannedCell): ProvidedCell {
  const { cell, skip, identity } = planned;
  return {
    key: cell.key,
    bracket: cell.bracket,
    tags: namesOf(tagsOfCell(planned)),
    skipped: skip?.detail ?? null,
    verificationHash: identity.verificationHash,
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
