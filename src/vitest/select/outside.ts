import type { Cell } from '../../config/cell.ts';
import { namesConfigs } from '../../core/variables.ts';
import { cellsOutside } from '../../session/configs-outside.ts';
import type { SessionOptions, SessionPlan } from '../../session/plan.ts';
import { containsWord } from './words.ts';

/** Says of a word that nothing here has where it is, if that is a config that a session leaves out; null if not. */
export type SayOutside = (word: string) => string | null;

const NAMED = 3;

/** Looks for words in the configs that no glob of a session names. They are searched when the first word is asked for. */
export function outsideOf(options: SessionOptions, plan: SessionPlan): SayOutside {
  let cells: readonly Cell[] | null = null;
  return (word) => {
    cells ??= cellsOutside(options, plan);
    const having = cells.filter(({ tags }) => tags.some(({ name }) => containsWord(name, word)));
    const files = [...new Set(having.map(({ configFile }) => configFile))];
    return files.length === 0 ? null : sentence(files, options.configs);
  };
}

function sentence(files: readonly string[], globs: readonly string[]): string {
  const [first] = files;
  const hidden = files.length - NAMED;
  const named = [...files.slice(0, NAMED), ...(hidden > 0 ? [`${hidden} more`] : [])].join(', ');
  const what = `${named} ${files.length === 1 ? 'has' : 'have'} it, but configs are ${globs.join(', ')}`;
  const isTyped = namesConfigs(process.env);
  return isTyped
    ? `${what}, as ASSAY_CONFIGS or --configs says: add ${first} there, or leave that out`
    : `${what}: widen assay({ configs }), or set ASSAY_CONFIGS=${first} (assay: --configs ${first})`;
}
