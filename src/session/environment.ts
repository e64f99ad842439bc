import { parseOverride } from '../config/override.ts';
import type { SessionOptions } from './plan.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** What a command line says besides the plugin's options, as it was typed. */
export interface Typed {
  /** Globs of configs, instead of those of the plugin. */
  readonly configs: readonly string[];
  /** A cluster file, instead of that of the plugin. */
  readonly cluster: string | null;
  /** `path=value`, one each. */
  readonly set: readonly string[];
  /** Patterns of cell ids. */
  readonly onlyCells: readonly string[];
}

const VARIABLES = {
  configs: 'ASSAY_CONFIGS',
  cluster: 'ASSAY_CLUSTER',
  set: 'ASSAY_SET',
  onlyCells: 'ASSAY_ONLY_CELLS',
} as const;

/** The environment variables that carry a command line into Vitest, whose own it cannot share; lists have a line for each entry. */
export function toEnvironment({ configs, cluster, set, onlyCells }: Typed): Readonly<Record<string, string>> {
  return {
    ...(configs.length === 0 ? {} : { [VARIABLES.configs]: configs.join('\n') }),
    ...(cluster === null ? {} : { [VARIABLES.cluster]: cluster }),
    ...(set.length === 0 ? {} : { [VARIABLES.set]: set.join('\n') }),
    ...(onlyCells.length === 0 ? {} : { [VARIABLES.onlyCells]: onlyCells.join('\n') }),
  };
}

/**
 * The options of the plugin with what the environment says instead.
 *
 * @throws AssayError USAGE for an override that is none.
 */
export function withEnvironment(options: SessionOptions, env: Environment): SessionOptions {
  const configs = linesOf(env[VARIABLES.configs]);
  return {
    ...options,
    configs: configs.length === 0 ? options.configs : configs,
    cluster: env[VARIABLES.cluster] ?? options.cluster,
    overrides: [...options.overrides, ...linesOf(env[VARIABLES.set]).map(parseOverride)],
    onlyCells: [...options.onlyCells, ...linesOf(env[VARIABLES.onlyCells])],
  };
}

function linesOf(text: string | undefined): readonly string[] {
  return (text ?? '').split('\n').filter((line) => line !== '');
}
