import type { Vitest } from 'vitest/node';
import { sentenceOf } from '../../core/errors.ts';
import { printLine } from '../screen/print.ts';

/** What Vitest calls for the `t` key, and for `a` with nothing typed. Not public: where it is missing, plain Vitest stands. */
interface Rerunnable {
  changeNamePattern?: (typed: string, files?: readonly string[], trigger?: string) => Promise<void>;
  rerunFiles?: (files: readonly string[], trigger?: string, allTestsRun?: boolean) => Promise<unknown>;
  filenamePattern?: unknown;
}

type Select = () => Promise<void>;

const selectors = new WeakMap<Vitest, Set<Select>>();

/**
 * Lets a session select anew when somebody types another name pattern in watch
 * mode, before Vitest runs again; `readFilters` finds what was typed. What it
 * throws is told, the pattern of before stands again, and the watch goes on.
 * Answers what ends that.
 */
export function onNamePattern(vitest: Vitest, select: Select): () => void {
  const known = selectors.get(vitest) ?? new Set();
  if (!selectors.has(vitest)) wrap(vitest, known);
  selectors.set(vitest, known.add(select));
  return () => void known.delete(select);
}

function wrap(vitest: Vitest, selects: ReadonlySet<Select>): void {
  const target = vitest as unknown as Rerunnable;
  const rerunFiles = target.rerunFiles?.bind(vitest);
  if (target.changeNamePattern === undefined || rerunFiles === undefined) return;
  target.changeNamePattern = async (typed, _files, trigger) => {
    const before = vitest.getGlobalTestNamePattern();
    try {
      setPattern(vitest, typed === '' ? undefined : new RegExp(typed));
      for (const select of selects) await select();
    } catch (thrown) {
      setPattern(vitest, before);
      // Without a pattern it is the suites that have a mistake.
      const next = typed === '' ? 'correct that, and press a again' : 'press t to type another pattern';
      printLine(vitest, `${sentenceOf(thrown)}\nNothing was run again; ${next}.`);
      return;
    }
    // As Vitest does: nothing typed forgets the file pattern as well.
    if (typed === '') delete target.filenamePattern;
    // Vitest would leave out files none of whose tests so far matches by its own name; but other claims are selected now.
    const specifications = await vitest.globTestSpecifications();
    await rerunFiles([...new Set(specifications.map(({ moduleId }) => moduleId))], trigger, typed === '');
  };
}

// Without a global pattern the one of the config would stand again.
function setPattern(vitest: Vitest, pattern: RegExp | undefined): void {
  if (pattern === undefined) {
    delete vitest.config.testNamePattern;
    vitest.resetGlobalTestNamePattern();
  } else {
    vitest.config.testNamePattern = pattern;
    vitest.setGlobalTestNamePattern(pattern);
  }
}
