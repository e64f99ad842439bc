import { relative, sep } from 'node:path';
import type { Cell } from '../config/cell.ts';
import { normaliseTag } from '../config/tags.ts';
import { AssayError } from '../core/errors.ts';
import type { Claim, Claims } from './claim.ts';

/** A suite file: its claims, its tier, and the cells it speaks about. */
export interface Suite {
  /** Absolute. */
  readonly file: string;
  readonly tier: number;
  readonly claims: Claims;
  /** Whether this claim of the file is made about this cell. */
  readonly appliesTo: (claim: Claim, cell: Cell) => boolean;
}

type CellPredicate = (cell: Cell) => boolean;

/** What a folder of suites means: the tier of its files, and which cells each file is about. */
const FOLDERS: Readonly<
  Record<string, (fileName: string) => { readonly tier: number; readonly about: CellPredicate }>
> = {
  logistics: () => ({ tier: 1, about: () => true }),
  training: (name) => workloadKind('training', name),
  inference: (name) => workloadKind('inference', name),
  frameworks: (name) => ({ tier: 4, about: (cell) => normaliseTag(cell.workload.framework) === normaliseTag(name) }),
  benchmarks: () => ({ tier: 5, about: () => true }),
  models: (name) => ({ tier: 6, about: (cell) => normaliseTag(cell.workload.model.id) === normaliseTag(name) }),
};

function workloadKind(kind: string, fileName: string): { readonly tier: number; readonly about: CellPredicate } {
  const isTopology = fileName === 'distributed' || fileName === 'disagg';
  return {
    tier: isTopology ? 3 : 2,
    about: (cell) => cell.workload.workload_kind === kind && (!isTopology || cell.topologyKind === fileName),
  };
}

/**
 * Reads the meaning of a suite file from its place under the suites folder.
 *
 * @throws AssayError CLAIMS_INVALID when the folder is none of the tiers.
 */
export function describeSuite(folder: string, file: string, claims: Claims): Suite {
  const [directory = '', fileName = ''] = relative(folder, file).split(sep);
  const place = FOLDERS[directory];
  if (place === undefined) {
    throw new AssayError('CLAIMS_INVALID', `${file} lies in no tier folder`, {
      hint: `move it to one of ${Object.keys(FOLDERS).join(', ')} under ${folder}`,
    });
  }
  const { tier, about } = place(fileName.replace(/\.test\.[cm]?[jt]s$/, ''));
  return {
    file,
    tier,
    claims,
    appliesTo: (claim, cell) =>
      about(cell) && (claim.benchmark === undefined || cell.workload.benchmarks.includes(claim.benchmark)),
  };
}
