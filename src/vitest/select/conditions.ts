import type { PlannedCell } from '../../session/plan.ts';
import { tagsOfCell, titleOf } from '../../session/planned-claim.ts';
import type { PlannedClaim, SuiteClaim } from '../../session/planned-claim.ts';
import type { Filters } from './filters.ts';
import { holdsFor, namedTags } from './tag-filter.ts';
import type { NamedTag, TagExpression } from './tag-filter.ts';
import { containsWord } from './words.ts';

/** One of the things that a selection asks of a claim; all must hold. */
export type Condition =
  | Word
  | { readonly kind: 'pattern'; readonly pattern: RegExp }
  | { readonly kind: 'tags'; readonly expression: TagExpression };

interface Word {
  readonly kind: 'word';
  readonly word: string;
}

/** The conditions of the filters, in the order in which they were typed. */
export function conditionsOf({ byName, byTags }: Filters): readonly Condition[] {
  const ofTags = (byTags ?? []).map((expression) => ({ kind: 'tags', expression }) as const);
  switch (byName.kind) {
    case 'all':
      return ofTags;
    case 'pattern':
      return [byName, ...ofTags];
    case 'words':
      return [...byName.words.map((word) => ({ kind: 'word', word }) as const), ...ofTags];
  }
}

/** Which conditions hold for a claim, one after the other. */
export type Outcome = readonly boolean[];

/** What a cell or a suite's claim may have of what the conditions name. */
type Named = Word | NamedTag;

interface JudgedCell {
  readonly planned: PlannedCell;
  readonly named: readonly Named[];
  /** By claim, of all cells that have the same named. */
  readonly outcomes: Map<SuiteClaim, Outcome>;
}

/**
 * Judges claims by conditions. Of the 100,000 claims of a matrix most differ in
 * nothing that a condition names: cells and claims that have the same of it are
 * judged once.
 */
export class ConditionTable {
  readonly #conditions: readonly Condition[];
  readonly #named: readonly Named[];
  readonly #pattern: RegExp | null;
  readonly #namedByTag = new Map<string, readonly Named[]>();
  readonly #namedByClaim = new Map<SuiteClaim, readonly Named[]>();
  readonly #alike = new Map<string, Map<SuiteClaim, Outcome>>();
  #last: JudgedCell | null = null;

  constructor(conditions: readonly Condition[]) {
    this.#conditions = conditions;
    this.#named = conditions.flatMap(namedIn);
    this.#pattern = conditions.find((condition) => condition.kind === 'pattern')?.pattern ?? null;
  }

  /** Which conditions hold for a claim. Fastest when the claims come cell by cell. */
  outcome(claim: PlannedClaim): Outcome {
    const outcome = this.#byNames(claim);
    if (this.#pattern === null) return outcome;
    const matches = this.#pattern.test(titleOf(claim));
    return outcome.map((holds, index) => (this.#conditions[index]?.kind === 'pattern' ? matches : holds));
  }

  /** Whether all conditions hold for a claim. */
  allHold(claim: PlannedClaim): boolean {
    return !this.#byNames(claim).includes(false) && (this.#pattern?.test(titleOf(claim)) ?? true);
  }

  /** The outcome as far as words and tags tell: a pattern is taken to match. */
  #byNames({ claim, planned }: PlannedClaim): Outcome {
    const { named, outcomes } = this.#ofCell(planned);
    const known = outcomes.get(claim);
    if (known !== undefined) return known;
    const has = new Set([...named, ...this.#ofClaim(claim)]);
    const outcome = this.#conditions.map((condition) => holds(condition, has));
    outcomes.set(claim, outcome);
    return outcome;
  }

  #ofCell(planned: PlannedCell): JudgedCell {
    if (this.#last?.planned === planned) return this.#last;
    const has = new Set(this.#wordsIn(planned.cell.bracket));
    for (const { name } of tagsOfCell(planned)) for (const one of this.#ofTag(name)) has.add(one);
    const named = this.#named.filter((one) => has.has(one));
    const signature = named.map((one) => this.#named.indexOf(one)).join();
    const outcomes = this.#alike.get(signature) ?? new Map<SuiteClaim, Outcome>();
    this.#alike.set(signature, outcomes);
    this.#last = { planned, named, outcomes };
    return this.#last;
  }

  #ofClaim(claim: SuiteClaim): readonly Named[] {
    const known = this.#namedByClaim.get(claim);
    if (known !== undefined) return known;
    const named = [...this.#wordsIn(claim.name), ...claim.tags.flatMap(({ name }) => this.#ofTag(name))];
    this.#namedByClaim.set(claim, named);
    return named;
  }

  #ofTag(tag: string): readonly Named[] {
    const known = this.#namedByTag.get(tag);
    if (known !== undefined) return known;
    const named = this.#named.filter((one) =>
      one.kind === 'word' ? containsWord(tag, one.word) : one.matching.has(tag),
    );
    this.#namedByTag.set(tag, named);
    return named;
  }

  #wordsIn(text: string): readonly Named[] {
    return this.#named.filter((one) => one.kind === 'word' && containsWord(text, one.word));
  }
}

function namedIn(condition: Condition): readonly Named[] {
  switch (condition.kind) {
    case 'word':
      return [condition];
    case 'tags':
      return namedTags(condition.expression);
    case 'pattern':
      return [];
  }
}

function holds(condition: Condition, has: ReadonlySet<Named>): boolean {
  switch (condition.kind) {
    case 'word':
      return has.has(condition);
    case 'tags':
      return holdsFor(condition.expression, (tag) => has.has(tag));
    case 'pattern':
      return true;
  }
}
