import { tagsOfCell } from '../../session/planned-claim.ts';
import type { PlannedClaim } from '../../session/planned-claim.ts';
import { ConditionTable, conditionsOf } from './conditions.ts';
import type { Condition, Outcome } from './conditions.ts';
import type { Filters } from './filters.ts';
import { didYouMean } from './near-words.ts';
import type { SayOutside } from './outside.ts';
import { formatTagFilter, formatTags } from './tag-filter.ts';

const WHERE_TO_LOOK = 'look at the names with `vitest list`, at the tags with `vitest --list-tags`';

/** Of several ways out the first few tell enough. */
const SHOWN = 3;

/**
 * Why filters select none of the claims, for people: the words that nothing
 * has, and the largest parts of the filters that do select something.
 */
export function explainEmptySelection(
  claims: readonly PlannedClaim[],
  filters: Filters,
  sayOutside: SayOutside = () => null,
): readonly string[] {
  const conditions = conditionsOf(filters);
  if (claims.length === 0) return ['no claim selected - no suite makes a claim about any cell'];
  if (conditions.length === 0) return [`no claim selected - ${WHERE_TO_LOOK}`];
  const found = claimsByOutcome(claims, new ConditionTable(conditions));
  const dead = conditions.filter((_, index) => found.every(({ outcome }) => outcome[index] !== true));
  const nearest = nearestOf(found).map((kept) => describe({ conditions, kept, found }));
  const [reason = `nothing has ${joined(conditions)} together`, ...more] = dead.flatMap((one) =>
    blame(one, claims, sayOutside),
  );
  return [
    `no claim selected - ${reason}`,
    ...more.map((line) => `  ${line}`),
    ...(nearest.length === 0 ? [`  ${WHERE_TO_LOOK}`] : inColumns(nearest)),
  ];
}

/** The claims for which the same conditions hold. */
interface Group {
  readonly outcome: Outcome;
  readonly claims: PlannedClaim[];
}

function claimsByOutcome(claims: readonly PlannedClaim[], table: ConditionTable): readonly Group[] {
  const groups = new Map<string, Group>();
  const keys = new Map<Outcome, string>();
  for (const claim of claims) {
    const outcome = table.outcome(claim);
    const key = keys.get(outcome) ?? outcome.join();
    keys.set(outcome, key);
    const group = groups.get(key) ?? { outcome, claims: [] };
    groups.set(key, group);
    group.claims.push(claim);
  }
  return [...groups.values()];
}

/** The largest sets of conditions that hold together for some claim: most conditions first, then those typed first. */
function nearestOf(found: readonly Group[]): readonly Outcome[] {
  const outcomes = found.map(({ outcome }) => outcome).filter((outcome) => outcome.includes(true));
  return outcomes
    .filter((one) => !outcomes.some((other) => other !== one && holdsAtLeast(other, one)))
    .toSorted((a, b) => sizeOf(b) - sizeOf(a) || typedLater(a) - typedLater(b))
    .slice(0, SHOWN);
}

function holdsAtLeast(outcome: Outcome, kept: Outcome): boolean {
  return kept.every((isKept, index) => !isKept || outcome[index] === true);
}

function sizeOf(outcome: Outcome): number {
  return outcome.filter((holds) => holds).length;
}

/** Larger the earlier a condition was given up. */
function typedLater(outcome: Outcome): number {
  return -outcome.indexOf(false);
}

interface Suggestion {
  readonly typed: string;
  readonly counts: string;
  readonly without: string;
}

interface Kept {
  readonly conditions: readonly Condition[];
  readonly kept: Outcome;
  readonly found: readonly Group[];
}

function describe({ conditions, kept, found }: Kept): Suggestion {
  const claims = found.filter(({ outcome }) => holdsAtLeast(outcome, kept)).flatMap((group) => group.claims);
  const cells = new Set(claims.map(({ planned }) => planned)).size;
  const dropped = conditions.filter((_, index) => kept[index] === false);
  return {
    typed: typedFor(conditions.filter((_, index) => kept[index] === true)),
    counts: `${counted(cells, 'cell')}, ${counted(claims.length, 'claim')}`,
    without: `(without ${dropped.map(nameOf).join(', ')})`,
  };
}

function inColumns(suggestions: readonly Suggestion[]): readonly string[] {
  const width = Math.max(...suggestions.map(({ typed }) => typed.length));
  const counts = Math.max(...suggestions.map((one) => one.counts.length));
  return suggestions.map((one) =>
    `  ${one.typed.padEnd(width)}   ${one.counts.padEnd(counts)}   ${one.without}`.trimEnd(),
  );
}

/** The options that ask for these conditions. */
function typedFor(conditions: readonly Condition[]): string {
  const names = conditions.flatMap((one) => (one.kind === 'tags' ? [] : [nameOf(one)]));
  const tags = conditions.flatMap((one) => (one.kind === 'tags' ? [one.expression] : []));
  return [
    ...(names.length === 0 ? [] : [`-t ${quoted(names.join(' '))}`]),
    ...(tags.length === 0 ? [] : [`--tags-filter ${quoted(formatTagFilter(tags))}`]),
  ].join(' ');
}

/** As a shell takes it for one argument as it is. */
function quoted(text: string): string {
  return /["$`\\!]/.test(text) ? `'${text.replaceAll("'", String.raw`'\''`)}'` : `"${text}"`;
}

function nameOf(condition: Condition): string {
  switch (condition.kind) {
    case 'word':
      return condition.word;
    case 'pattern':
      return condition.pattern.source;
    case 'tags':
      return formatTags(condition.expression);
  }
}

function joined(conditions: readonly Condition[]): string {
  const names = conditions.map((condition) => `"${nameOf(condition)}"`);
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

function blame(condition: Condition, claims: readonly PlannedClaim[], sayOutside: SayOutside): readonly string[] {
  const name = nameOf(condition);
  switch (condition.kind) {
    case 'word': {
      const what = `"${name}" is in no tag and no name`;
      const outside = sayOutside(name);
      return outside === null ? [`${what}${hint(didYouMean(name, wordsOf(claims)))}`] : [what, outside];
    }
    case 'pattern':
      return [`the expression "${name}" matches no name; words without signs are looked for in tags as well`];
    case 'tags':
      return [`no claim passes the tag filter "${name}"`];
  }
}

function hint(sentence: string | null): string {
  return sentence === null ? '' : ` - ${sentence}`;
}

/** What somebody may have wanted to type: the names of claims, the pieces of tags, the tags. */
function wordsOf(claims: readonly PlannedClaim[]): readonly string[] {
  const ofClaims = new Map(claims.map(({ claim }) => [claim, claim.name]));
  const cells = new Set(claims.map(({ planned }) => planned));
  const tags = new Set([...cells].flatMap((planned) => tagsOfCell(planned).map(({ name }) => name)));
  const pieces = [...tags].flatMap((tag) => [tag.slice(tag.indexOf('_') + 1), ...tag.split('_')]);
  return [...new Set([...ofClaims.values(), ...pieces, ...tags])];
}

function counted(count: number, noun: string): string {
  return `${count} ${count === 1 ? noun : `${noun}s`}`;
}
