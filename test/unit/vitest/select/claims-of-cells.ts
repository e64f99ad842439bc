import { normaliseTag } from '../../../../src/config/tags.ts';
import type { PlannedCell } from '../../../../src/session/plan.ts';
import type { PlannedClaim, SuiteClaim } from '../../../../src/session/planned-claim.ts';

/** As much of a planned cell as a selection looks at. */
interface CellOfTest {
  readonly framework: string;
  readonly id: string;
  readonly tags?: readonly string[];
  readonly skip?: string;
}

export function cellOf({ framework, id, tags = [], skip }: CellOfTest): PlannedCell {
  const names = [`framework_${framework}`, ...tags, `cell_${normaliseTag(id)}`];
  return {
    cell: {
      key: `${framework}/${id}`,
      cellId: id,
      bracket: `[${framework}-tiny-${id}]`,
      tags: names.map((name) => ({ name, description: '' })),
    },
    skip: skip === undefined ? null : { reason: skip, detail: `${skip} (need 4, have 1)` },
  } as unknown as PlannedCell;
}

export function claimOf(name: string, tags: readonly string[] = []): SuiteClaim {
  return {
    file: '/suite.test.ts',
    tier: 1,
    name,
    benchmark: null,
    tags: tags.map((tag) => ({ name: tag, description: '' })),
  };
}

/** Every claim about every cell. */
export function claimsAbout(cells: readonly PlannedCell[], claims: readonly SuiteClaim[]): readonly PlannedClaim[] {
  return cells.flatMap((planned) => claims.map((claim) => ({ claim, planned })));
}
