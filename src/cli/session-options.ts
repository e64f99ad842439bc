import type { ArgsDef } from 'citty';
import type { Typed } from '../session/environment.ts';
import { parseReuse } from '../session/stored/reuse.ts';
import { noValue } from './arguments.ts';
import type { Options } from './arguments.ts';

/** The options of every command that makes a plan: what to load, what to change, what to select. */
export const sessionOptions = {
  configs: {
    type: 'string',
    valueHint: 'glob',
    description: 'config files, instead of those of the plugin (repeatable)',
  },
  config: { type: 'string', valueHint: 'glob', description: 'the same as --configs' },
  cluster: { type: 'string', valueHint: 'file', description: 'cluster file: the nodes there are' },
  set: { type: 'string', valueHint: 'path=value', description: 'value instead of the one in the configs (repeatable)' },
  'only-cells': {
    type: 'string',
    valueHint: 'pattern',
    description: 'cells by id: `balanced-*,my_test/conc16` (repeatable)',
  },
  'test-name-pattern': {
    type: 'string',
    alias: 't',
    valueHint: 'words',
    description: 'claims with all of these words in their tags and name',
  },
  'tags-filter': { type: 'string', valueHint: 'expression', description: 'claims by tags: `tier_5 and not gpu_cpu`' },
} as const satisfies ArgsDef;

/** Which claims of a plan are meant; Vitest knows both filters by the same names. */
export interface ClaimFilters {
  readonly testNamePattern?: string;
  readonly tagsFilter?: string[];
}

/** What the command line says of the session. */
export function typedOptions(options: Options): Typed {
  const reuse = options.one('reuse');
  return {
    configs: [...options.all('configs'), ...options.all('config')],
    cluster: options.one('cluster'),
    set: options.all('set'),
    onlyCells: options.all('only-cells').flatMap(patternsOf),
    reuse: reuse === null ? null : parseReuse(reuse, '--reuse '),
  };
}

function patternsOf(list: string): readonly string[] {
  const patterns = list.split(',').filter((pattern) => pattern.trim() !== '');
  if (patterns.length === 0) throw noValue('--only-cells');
  return patterns;
}

/** What the command line says of the claims. */
export function claimFilters(options: Options): ClaimFilters {
  const testNamePattern = options.one('test-name-pattern');
  const tagsFilter = options.all('tags-filter');
  return {
    ...(testNamePattern === null ? {} : { testNamePattern }),
    ...(tagsFilter.length === 0 ? {} : { tagsFilter: [...tagsFilter] }),
  };
}

/** Whether only a part of the claims is asked for. */
export function isFiltered({ testNamePattern, tagsFilter }: ClaimFilters): boolean {
  return testNamePattern !== undefined || tagsFilter !== undefined;
}

/** The filters as Vitest takes them: the name of a test, as it is printed, is no regular expression. */
export function filtersForVitest({ testNamePattern, ...rest }: ClaimFilters): ClaimFilters {
  if (testNamePattern === undefined) return rest;
  const isPlain = BRACKET.test(testNamePattern) || !isExpression(testNamePattern);
  const escaped = testNamePattern.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  return { ...rest, testNamePattern: isPlain ? escaped : testNamePattern };
}

/** `[llama_cpp-byte_llama-cpu-f32-conc1]`, which begins with a word, and no set of letters such as `[a-zA-Z]`. */
const BRACKET = /(?<!\\)\[[a-z]\w{2,}(?:-[\w.]+){2,}\]/;

function isExpression(text: string): boolean {
  try {
    return new RegExp(text) instanceof RegExp;
  } catch {
    return false;
  }
}
