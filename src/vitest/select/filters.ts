import type { TestProject, Vitest } from 'vitest/node';
import { parseTagFilter } from './tag-filter.ts';
import type { TagFilter } from './tag-filter.ts';
import { patternForVitest, readNameFilter } from './words.ts';
import type { NameFilter } from './words.ts';

/** What was asked for with `-t` (or the `t` key) and `--tags-filter`. */
export interface Filters {
  readonly byName: NameFilter;
  readonly byTags: TagFilter | null;
}

/** What was typed for an expression that Vitest got instead, and the frameworks of all projects that it knows. */
interface Rewritten {
  readonly typed: RegExp;
  readonly frameworks: ReadonlySet<string>;
}

const rewritten = new WeakMap<RegExp, Rewritten>();

/**
 * Reads the filters that stand for a project now, and leaves Vitest an
 * expression for the user's own tests that says the same. To be read again
 * whenever the tags or the filters changed; every project sees what was typed.
 *
 * @throws AssayError SELECTION_INVALID with a mistake in the tag filter.
 */
export function readFilters(vitest: Vitest, project: TestProject, knownTags: Iterable<string>): Filters {
  const known = [...knownTags];
  const expressions = project.config.tagsFilter ?? [];
  const byTags = expressions.length === 0 ? null : parseTagFilter(expressions, known);
  const current = vitest.getGlobalTestNamePattern();
  if (current === undefined) return { byName: { kind: 'all' }, byTags };
  const before = rewritten.get(current);
  const typed = before?.typed ?? current;
  const byName = readNameFilter(typed);
  let pattern = typed;
  if (byName.kind === 'words') {
    const frameworks = new Set([...(before?.frameworks ?? []), ...frameworksAmong(known)]);
    pattern = patternForVitest(typed, byName.words, [...frameworks]);
    // Vitest says what it filters by, and what was typed is what tells.
    Object.defineProperty(pattern, 'toString', { value: () => String(typed) });
    rewritten.set(pattern, { typed, frameworks });
  }
  hand(pattern, { vitest, project });
  return { byName, byTags };
}

// When it starts, and when it starts anew, Vitest copies the root's over the global one, and that over every project's.
function hand(pattern: RegExp, { vitest, project }: { readonly vitest: Vitest; readonly project: TestProject }): void {
  vitest.config.testNamePattern = pattern;
  project.config.testNamePattern = pattern;
  vitest.setGlobalTestNamePattern(pattern);
}

const FRAMEWORK = 'framework_';

function frameworksAmong(tags: readonly string[]): readonly string[] {
  return tags.filter((tag) => tag.startsWith(FRAMEWORK)).map((tag) => tag.slice(FRAMEWORK.length));
}
