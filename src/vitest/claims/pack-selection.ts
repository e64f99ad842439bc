import type { Tag } from '../../config/tags.ts';
import { groupBy } from '../../core/group-by.ts';
import type { PlannedCell } from '../../session/plan.ts';
import { tagsOfCell } from '../../session/planned-claim.ts';
import type { PlannedClaim, SuiteClaim } from '../../session/planned-claim.ts';
import type { AlikeCells, PackedCells, ProvidedAssay, ProvidedFile } from './provided.ts';

/** Packs a selection for workers: what many claims share is packed once. */
export function packSelection(
  selected: readonly PlannedClaim[],
  given: Pick<ProvidedAssay, 'socket' | 'haveTagsOptions'>,
): ProvidedAssay {
  const cells = new CellPacker();
  const byFile = groupBy(selected, ({ claim }) => claim.file);
  const files = [...byFile].map(([file, ofFile]) => {
    const claims = new Numbered(({ name, tags }: SuiteClaim) => ({ name, tags: namesOf(tags) }));
    const pairs = ofFile.flatMap(({ claim, planned }) => [claims.indexOf(claim), cells.indexOf(planned)]);
    const tier = ofFile[0]?.claim.tier ?? 0;
    return [file, JSON.stringify({ tier, claims: claims.items, selected: pairs } satisfies ProvidedFile)] as const;
  });
  return { ...given, cells: JSON.stringify(cells.packed), files: Object.fromEntries(files) };
}

/** Packs each cell once, and once what it has in common with others. */
class CellPacker {
  readonly #tags = new Numbered((name: string) => name);
  readonly #alike = new Numbered((text: string) => JSON.parse(text) as AlikeCells);
  readonly #cells = new Numbered((planned: PlannedCell): PackedCells['cells'][number] => [
    planned.cell.key,
    planned.cell.bracket,
    this.#alike.indexOf(JSON.stringify(alikeOf(planned))),
    ...tagsOfCell(planned).map(({ name }) => this.#tags.indexOf(name)),
  ]);

  get packed(): PackedCells {
    return { tags: this.#tags.items, alike: this.#alike.items, cells: this.#cells.items };
  }

  indexOf(planned: PlannedCell): number {
    return this.#cells.indexOf(planned);
  }
}

function alikeOf({ cell, skip, identity }: PlannedCell): AlikeCells {
  return {
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
