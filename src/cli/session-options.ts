import type { ArgsDef } from 'citty';
import type { Typed } from '../session/environment.ts';
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
  return {
    configs: [...options.all('configs'), ...options.all('config')],
    cluster: options.one('cluster'),
    set: options.all('set'),
    onlyCells: options.all('only-cells').flatMap((list) => list.split(',').filter((pattern) => pattern !== '')),
  };
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
