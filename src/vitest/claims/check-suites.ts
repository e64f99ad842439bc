import { relative } from 'node:path';
import type { Cell } from '../../config/cell.ts';
import type { FrameworkSpec } from '../../config/schema/framework.ts';
import { normaliseTag } from '../../config/tags.ts';
import { exampleFor } from '../../config/threshold.ts';
import { groupBy } from '../../core/group-by.ts';
import { nearestTypo } from '../../core/nearest.ts';
import { formatPlace, SuiteText } from './claim-place.ts';
import type { Claim } from './claim.ts';
import { suitesError } from './suite-problem.ts';
import type { SuiteProblem } from './suite-problem.ts';
import type { Suite } from './suite.ts';

/** What the suites of a project are held against. */
export interface KnownToSuites {
  readonly cells: readonly Cell[];
  readonly specs: readonly FrameworkSpec[];
  /** Whether the command line left cells or configs out: what they ask for is unknown then. */
  readonly isNarrowed: boolean;
}

/**
 * Checks what the suites of a project say together.
 *
 * @throws AssayError CLAIMS_INVALID with every claim whose tests another file's would share their names with, every
 *   file about a framework that there is not, and every benchmark that is misspelt: those would judge nothing.
 */
export function checkSuites(suites: readonly Suite[], known: KnownToSuites): void {
  const claims = suites.flatMap((suite) =>
    Object.entries(suite.claims).map(([name, claim]): PlacedClaim => ({ suite, name, claim })),
  );
  const misspelt = known.isNarrowed ? [] : misspeltBenchmarks(claims, known);
  const strangers = suites.flatMap((suite) => strangeFramework(suite, known.specs));
  const problems = [...strangers, ...misspelt, ...sharedNames(claims, known.cells)];
  if (problems.length > 0) throw suitesError(problems);
}

/** A file that is called after no framework is about no cell, whatever is configured. */
function strangeFramework({ file, framework }: Suite, specs: readonly FrameworkSpec[]): readonly SuiteProblem[] {
  const known = specs.map(({ name }) => name);
  if (framework === null || known.some((name) => name === normaliseTag(framework))) return [];
  const meant = nearestTypo(normaliseTag(framework), known);
  const place = new SuiteText(file).placeOf(null);
  const message = `is about the framework ${JSON.stringify(framework)}, by its name, and there is none such`;
  const hint = meant === null ? `call it after one of ${known.join(', ')}` : `did you mean \`${meant}.test.ts\`?`;
  return [{ place, claim: null, message, hint }];
}

interface PlacedClaim {
  readonly suite: Suite;
  readonly name: string;
  readonly claim: Claim;
}

/** A test is known by its name, `claim[cell]`: no two files may have a claim of one name about one cell. */
function sharedNames(claims: readonly PlacedClaim[], cells: readonly Cell[]): readonly SuiteProblem[] {
  return [...groupBy(claims, ({ name }) => name).values()].flatMap((ofName) =>
    ofName.flatMap((second, index) => {
      const isAbout = ({ suite, claim }: PlacedClaim, cell: Cell): boolean => suite.appliesTo(claim, cell);
      for (const first of ofName.slice(0, index)) {
        const cell = cells.find((one) => isAbout(first, one) && isAbout(second, one));
        if (cell !== undefined) return [sharedName(first, second, cell)];
      }
      return [];
    }),
  );
}

function sharedName(first: PlacedClaim, second: PlacedClaim, cell: Cell): SuiteProblem {
  const { file, ...at } = placeOf(first);
  return {
    place: placeOf(second),
    claim: second.name,
    message: `${formatPlace({ file: relative(process.cwd(), file), ...at })} makes a claim of this name about ${cell.key} too`,
    hint: 'rename one of them, or tell them apart with `when`',
  };
}

/** Claims of benchmarks that no config asks for and no framework can have, while one of nearly that name is known. */
function misspeltBenchmarks(claims: readonly PlacedClaim[], { cells, specs }: KnownToSuites): readonly SuiteProblem[] {
  const asked = new Set(cells.flatMap(({ workload }) => workload.benchmarks));
  const metrics = specs.flatMap((spec) => spec.metrics);
  const predicates: readonly string[] = specs.flatMap((spec) => spec.predicates);
  const isKnown = (name: string): boolean =>
    asked.has(name) || predicates.includes(name) || exampleFor(name, metrics) !== null;
  const names = new Set(claims.flatMap(({ claim: { benchmark } }) => benchmark ?? []));
  const known = [...new Set([...asked, ...predicates, ...names])].filter(isKnown);
  // A suite may judge what other configs ask for: only what looks like a slip is one.
  return claims.flatMap((placed) => {
    const { benchmark } = placed.claim;
    const meant = benchmark === undefined || isKnown(benchmark) ? null : nearestTypo(benchmark, known);
    if (benchmark === undefined || meant === null) return [];
    const message = `judges the benchmark ${benchmark}, which no config asks for and no framework has`;
    return [{ place: placeOf(placed), claim: placed.name, message, hint: `did you mean \`${meant}\`?` }];
  });
}

function placeOf({ suite, name }: PlacedClaim): SuiteProblem['place'] {
  return new SuiteText(suite.file).placeOf(name);
}
