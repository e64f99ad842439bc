import { skippedTag } from '../config/tags.ts';
import type { Tag } from '../config/tags.ts';
import type { PlannedCell } from './plan.ts';

/** A claim as its suite declares it, whatever the cells it is made about. */
export interface SuiteClaim {
  /** Absolute path of the suite file. */
  readonly file: string;
  readonly tier: number;
  readonly name: string;
  /** The benchmark it judges; null for a claim of another kind. */
  readonly benchmark: string | null;
  /** Its tier and its benchmark. */
  readonly tags: readonly Tag[];
}

/** One claim about one cell. There may be hundreds of thousands: everything else is asked for when it is needed. */
export interface PlannedClaim {
  readonly claim: SuiteClaim;
  readonly planned: PlannedCell;
}

/** What a claim is called in reports: name and bracket. */
export function titleOf({ claim, planned }: PlannedClaim): string {
  return `${claim.name}${planned.cell.bracket}`;
}

/** The tags that all claims about a cell carry. */
export function tagsOfCell({ cell, skip }: PlannedCell): readonly Tag[] {
  return skip === null ? cell.tags : [...cell.tags, skippedTag(skip.reason)];
}

/** The names of all tags of a claim. */
export function tagNamesOf({ claim, planned }: PlannedClaim): readonly string[] {
  return [...tagsOfCell(planned), ...claim.tags].map(({ name }) => name);
}
