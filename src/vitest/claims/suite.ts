import { basename, relative, sep } from 'node:path';
import type { Cell } from '../../config/cell.ts';
import { benchmarkTag, normaliseTag, tierTag } from '../../config/tags.ts';
import type { Tag } from '../../config/tags.ts';
import { messageOf } from '../../core/errors.ts';
import { viewOfCell } from './claim-cell.ts';
import { SuiteText } from './claim-place.ts';
import type { Claim, Claims } from './claim.ts';
import { suitesError } from './suite-problem.ts';

/** A suite file: its claims, its tier, and the cells it speaks about. */
export interface Suite {
  /** Absolute. */
  readonly file: string;
  readonly tier: number;
  /** The name of the only framework that it is about, as the file is called; null for any other suite. */
  readonly framework: string | null;
  readonly claims: Claims;
  /**
   * Whether this claim of the file is made about this cell.
   *
   * @throws AssayError CLAIMS_INVALID when the claim's own `when` throws.
   */
  readonly appliesTo: (claim: Claim, cell: Cell) => boolean;
}

type CellPredicate = (cell: Cell) => boolean;

/** What a suite file is by its place: its tier, and the cells it is about. */
export interface SuitePlace {
  readonly tier: number;
  /** Null where the place says nothing of frameworks. */
  readonly framework: string | null;
  readonly about: CellPredicate;
}

/** What a folder of suites means: the tier of its files, and which cells each file is about. */
const FOLDERS: Readonly<Record<string, (fileName: string) => SuitePlace>> = {
  logistics: () => ({ tier: 1, framework: null, about: () => true }),
  training: (name) => workloadKind('training', name),
  inference: (name) => workloadKind('inference', name),
  frameworks: (name) => ({
    tier: 4,
    framework: name,
    about: (cell) => normaliseTag(cell.workload.framework) === normaliseTag(name),
  }),
  benchmarks: () => ({ tier: 5, framework: null, about: () => true }),
  models: (name) => ({
    tier: 6,
    framework: null,
    about: (cell) => normaliseTag(cell.workload.model.id) === normaliseTag(name),
  }),
};

/** The folders that suites lie in, in order of their tiers. */
export const TIER_FOLDERS: readonly string[] = Object.keys(FOLDERS);

function workloadKind(kind: string, fileName: string): SuitePlace {
  const isTopology = fileName === 'distributed' || fileName === 'disagg';
  return {
    tier: isTopology ? 3 : 2,
    framework: null,
    about: (cell) => cell.workload.workload_kind === kind && (!isTopology || cell.topologyKind === fileName),
  };
}

/** What a suite file is by its place under the suites folder; null when that is no tier. */
export function suitePlace(folder: string, file: string): SuitePlace | null {
  const [directory = '', fileName] = relative(folder, file).split(sep);
  return fileName === undefined ? null : (FOLDERS[directory]?.(bareName(fileName)) ?? null);
}

/** A suite of these claims, made about the cells that its place, the benchmark and the claim itself leave. */
export function suiteOf(file: string, { about, ...place }: SuitePlace, claims: Claims): Suite {
  return {
    ...place,
    file,
    claims,
    appliesTo: (claim, cell) =>
      about(cell) &&
      (claim.benchmark === undefined || cell.workload.benchmarks.includes(claim.benchmark)) &&
      (claim.when === undefined || isMeant(claim, cell, { file, claims })),
  };
}

function isMeant(claim: Claim, cell: Cell, { file, claims }: Pick<Suite, 'file' | 'claims'>): boolean {
  try {
    return claim.when?.(viewOfCell(cell)) ?? true;
  } catch (thrown) {
    const name = Object.keys(claims).find((one) => claims[one] === claim) ?? null;
    const message = `its \`when\` failed for ${cell.key}: ${messageOf(thrown)}`;
    const hint = 'a predicate must answer for every cell that the file is about';
    throw suitesError([{ place: new SuiteText(file).placeOf(name), claim: name, message, hint }]);
  }
}

/** The tags of a claim beside those of its cell: its tier, its benchmark, and its own. */
export function tagsOfClaim(
  { tier, file }: Pick<Suite, 'tier' | 'file'>,
  { benchmark, tags = [] }: Claim,
): readonly Tag[] {
  return [
    tierTag(tier),
    ...(benchmark === undefined ? [] : [benchmarkTag(benchmark)]),
    ...tags.map((tag) => ({ name: normaliseTag(tag), description: `claims that ${bareName(basename(file))} tags so` })),
  ];
}

function bareName(fileName: string): string {
  return fileName.replace(/\.test\.[cm]?[jt]s$/, '');
}
